"""Invitations, with the token that stands behind the # of their links."""

from uuid import UUID

from headgate_server.database.work import Database
from headgate_server.domain.permissions import BuiltinRole
from headgate_server.domain.roles import EVERYWHERE, builtin_role
from headgate_server.services import invitations
from tests.factories.members import Member
from tests.factories.people import PASSWORD, PEPPER
from tests.fixtures.visitors import Visitor

GUEST = "guest@example.com"


async def make_invitation(
    database: Database,
    by: Member,
    *,
    email: str = GUEST,
    role: BuiltinRole = BuiltinRole.DEVELOPER,
    is_mailed: bool = False,
    is_for_anybody: bool = False,
) -> tuple[UUID, str]:
    """Return an invitation's id and token."""
    async with database.tenant(by.principal, None) as work:
        row, token = await invitations.invite(
            work,
            granter=by.principal,
            email=email,
            role_ids=[builtin_role(role).id],
            place=EVERYWHERE,
            pepper=PEPPER,
            is_mailed=is_mailed,
            is_for_anybody=is_for_anybody,
        )
    return row.id, token


async def join_as_new(visitor: Visitor, token: str) -> None:
    """Come by a link as somebody new, and sign in."""
    joined = await visitor.post("/auth/invitation/new", **newcomer(token))
    assert joined.status_code == 200, joined.text
    signed_in = await visitor.post("/auth/sign-in", email=GUEST, password=PASSWORD)
    assert signed_in.status_code == 200, signed_in.text


def newcomer(token: str) -> dict[str, str]:
    """Return what somebody new sends who comes by a link."""
    return {"token": token, "name": "Gus", "password": PASSWORD}
