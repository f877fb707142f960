"""Login sessions: the browsers in which a person is signed in."""

from datetime import datetime

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.login_sessions import LoginSession as LoginSessionRow
from headgate_server.graphql.shapes.nodes import show_id


@strawberry.type(description="A browser in which the caller is signed in.")
class LoginSession:
    id: strawberry.ID = strawberry.field(description="Opaque.")
    created_at: datetime = strawberry.field(description="When they signed in.")
    last_seen_at: datetime = strawberry.field(description="When it was used last, to the minute.")
    expires_at: datetime = strawberry.field(description="When it ends unless it is used before.")
    ip: str | None = strawberry.field(description="From which address they signed in.")
    user_agent: str | None = strawberry.field(description="What the browser says it is.")
    is_current: bool = strawberry.field(description="Whether the caller asks in it.")


def show_login_session(row: LoginSessionRow, *, is_current: bool) -> LoginSession:
    """Return a session."""
    return LoginSession(
        id=show_id(ids.Kind.LOGIN_SESSION, row.id),
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.ends_at(),
        ip=row.ip,
        user_agent=row.user_agent,
        is_current=is_current,
    )
