"""The caller: who they are, and what they may do."""

from typing import Annotated, Any

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.organizations import Organization as OrganizationRow
from headgate_server.domain.pagination import fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.domain.tenancy import ActorKind
from headgate_server.graphql.connections import After, Connection, First, Listing, connect
from headgate_server.graphql.directives import Cost
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.shapes.actors import Actor, show_actor
from headgate_server.graphql.shapes.beginnings import claim
from headgate_server.graphql.shapes.nodes import load_part
from headgate_server.graphql.shapes.rate_limits import RateLimit, read_rate_limit
from headgate_server.graphql.types.api_keys import ApiKey, show_api_key
from headgate_server.graphql.types.identities import Identity, show_identity
from headgate_server.graphql.types.login_sessions import LoginSession, show_login_session
from headgate_server.graphql.types.organizations import Organization, show_organization
from headgate_server.graphql.types.users import User, show_user
from headgate_server.services import api_keys, identities, login_sessions, organizations

_SHOWN: Listing[OrganizationRow] = Listing(
    of=fingerprint("organizations"),
    key=lambda row: (row.slug, row.id),
    key_types=tuple[str, ids.UUID],
)


@strawberry.type(description="What an organization is called, to who belongs to it.")
class OrganizationName:
    slug: str = strawberry.field(description="Its name in addresses and in the header.")
    name: str = strawberry.field(description="For people.")


@strawberry.type(description="The caller.")
class Viewer:
    @scoped_field(requires=ANY_CREDENTIAL, description="Whom the credential speaks for.")
    def actor(self, info: Info) -> Actor:
        return show_actor(info.context.principal.actor)

    @scoped_field(requires=ANY_CREDENTIAL, description="The person; null for machines.")
    def user(self, info: Info) -> User | None:
        actor = info.context.principal.actor
        if actor.kind is not ActorKind.USER or actor.id is None:
            return None
        return show_user(actor.id, actor.display_name)

    @scoped_field(
        requires=ANY_CREDENTIAL, description="The key that was shown; null for other credentials."
    )
    async def api_key(self, info: Info) -> ApiKey | None:
        key_id = info.context.principal.api_key_id
        shown: Any = await load_part(
            info.context, api_keys.get_many_keys, key_id, workspace_id=None
        )
        return shown

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="What the credential may do, by name; nothing in a workspace it may not enter.",
    )
    async def scopes(
        self,
        info: Info,
        workspace_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="In this workspace.")
        ] = None,
    ) -> list[Scope]:
        context = info.context
        if workspace_id is None:
            return sorted(context.principal.scopes)
        wanted = ids.parse(workspace_id, kind=ids.Kind.WORKSPACE)
        if not await context.may_enter(wanted):
            return []
        return sorted(context.principal.scopes_in(wanted))

    @scoped_field(
        requires=ANY_CREDENTIAL, description="What this operation cost, and what is left to spend."
    )
    def rate_limit(self, info: Info) -> RateLimit:
        return read_rate_limit(info)

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="The browsers in which the caller is signed in, the one used last first; "
        "empty for who asks with a key.",
        directives=[Cost(weight=1, list_size=20)],
    )
    async def login_sessions(self, info: Info) -> list[LoginSession]:
        context = info.context
        current = context.principal.login_session_id
        async with context.system_work() as work:
            rows = await login_sessions.list_own(work, context.principal)
        claim(context, len(rows))
        return [show_login_session(row, is_current=row.id == current) for row in rows]

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="What the caller may sign in with at other providers, the one linked first "
        "first; empty for who asks with a key.",
        directives=[Cost(weight=1, list_size=5)],
    )
    async def identities(self, info: Info) -> list[Identity]:
        context = info.context
        async with context.system_work() as work:
            rows = await identities.list_own(work, context.principal)
        return [show_identity(row) for row in rows]

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="The caller's own keys in this organization that work, the oldest first; "
        "empty for machines.",
        directives=[Cost(weight=1, list_size=20)],
    )
    async def api_keys(self, info: Info) -> list[ApiKey]:
        context = info.context
        async with context.organization_work() as work:
            rows = await api_keys.list_own(work, context.principal)
        claim(context, len(rows))
        return [show_api_key(row) for row in rows]

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="Every organization that the person belongs to, by slug; empty for who asks "
        "with a key. A request is in one of them, which its header X-Headgate-Organization names.",
        directives=[Cost(weight=1, list_size=10)],
    )
    async def member_of(self, info: Info) -> list[OrganizationName]:
        context = info.context
        async with context.system_work() as work:
            rows = await organizations.list_own(work, context.principal)
        return [OrganizationName(slug=row.slug, name=row.name) for row in rows]

    @scoped_field(requires=ANY_CREDENTIAL, description="The organizations the caller belongs to.")
    async def organizations(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[Organization]:
        page = _SHOWN.request(first=first, after=after)
        async with info.context.organization_work() as work:
            rows = await organizations.list_organizations(work, page=page)

        async def count(cap: int) -> int:
            return min(len(rows.items), cap + 1)  # a credential is of one organization

        return connect(rows, listing=_SHOWN, show=show_organization, count=count)
