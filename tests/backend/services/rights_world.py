"""An organization of a few people, machines and teams, and what may be done there, by services."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from anyio.from_thread import BlockingPortal

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.api_keys import NewApiKey
from headgate_server.domain.errors import Forbidden, Suspended, Unauthenticated
from headgate_server.domain.login_sessions import NOWHERE, LoginCookie
from headgate_server.domain.permissions import BuiltinRole, Rights, Scope
from headgate_server.domain.roles import (
    BUILTIN,
    EVERYWHERE,
    BindingPlace,
    Holder,
    HolderKind,
    ObjectKind,
    builtin_role,
)
from headgate_server.domain.tenancy import Actor, ActorKind, Principal
from headgate_server.repositories import roles as stored_roles
from headgate_server.services import (
    api_keys,
    invitations,
    login_sessions,
    members,
    people,
    roles,
    service_accounts,
    users,
    work_pools,
    workspaces,
)
from tests.backend.services.rights_model import OWNER, Doer, Invited, Model
from tests.factories.members import make_member
from tests.factories.people import PEPPER
from tests.factories.tenants import Tenant, make_tenant

REFUSED = (Forbidden, Suspended, Unauthenticated)
MEMBERS = ("olive", "ada", "bob", "cas")
OUTSIDE = ("xav", "yve")
PEOPLE = (*MEMBERS, *OUTSIDE)
TEAMS = ("owners", "readers")
MADE = {
    "Revealer": frozenset({Scope.RUNS_READ, Scope.BLOCKS_REVEAL}),
    "Keeper": frozenset({Scope.KEYS_WRITE}),
}
ADMIN, OPERATOR, VIEWER = (
    builtin_role(name).id for name in (BuiltinRole.ADMIN, BuiltinRole.OPERATOR, BuiltinRole.VIEWER)
)


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody would do, in a unit of work of the organization or of a workspace."""

    call: Callable[[UnitOfWork, Principal], Awaitable[Any]]
    workspace_id: UUID | None = None


@dataclass(slots=True)
class World:
    """The organization in the database; ``users`` are ids of people and of the machine."""

    portal: BlockingPortal
    database: Database
    tenant: Tenant
    places: Sequence[BindingPlace]
    users: dict[str, UUID] = field(default_factory=dict[str, UUID])
    cookies: dict[str, LoginCookie] = field(default_factory=dict[str, LoginCookie])
    emails: dict[str, str] = field(default_factory=dict[str, str])
    made: dict[str, UUID] = field(default_factory=dict[str, UUID])

    def do(self, doer: Doer, change: Change) -> Any:
        """Have somebody do something, and return what came of it."""
        return self.portal.call(self.change, doer, change)

    async def change(self, doer: Doer, change: Change) -> Any:
        """Do as ``do`` does, in the loop of the database."""
        principal = await self.principal_of(doer)
        async with self.database.tenant(principal, change.workspace_id) as work:
            return await change.call(work, principal)

    async def principal_of(self, doer: Doer) -> Principal:
        """Return somebody who is signed in, or a key of theirs, with what they hold by now."""
        if doer.token is not None:
            return await api_keys.authenticate(self.database, doer.token, pepper=PEPPER)
        return await login_sessions.authenticate(
            self.database,
            self.cookies[doer.name],
            organization=None,
            pepper=PEPPER,
            organization_id=self.tenant.organization_id,
        )

    def _actor(self, name: str) -> Actor:
        kind = ActorKind.SERVICE_ACCOUNT if name == "robot" else ActorKind.USER
        return Actor(kind, self.users[name], name)

    def rights(self, doers: Sequence[Doer]) -> list[Rights | None]:
        """Return what each of some may do by now; None for who is not let in."""
        return self.portal.call(self._rights, doers)

    async def _rights(self, doers: Sequence[Doer]) -> list[Rights | None]:
        found: list[Rights | None] = []
        for doer in doers:
            try:
                found.append(await self._rights_of(doer))
            except REFUSED:
                found.append(None)
        return found

    async def _rights_of(self, doer: Doer) -> Rights | None:
        if doer != Doer("robot"):
            return (await self.principal_of(doer)).all_rights()
        async with self.database.system() as work:
            place, actor = self.tenant.organization_id, self._actor(doer.name)
            return await stored_roles.find_rights(work, organization_id=place, holder=actor)

    def settle(self, call: Callable[[UnitOfWork], Awaitable[Any]]) -> Any:
        """Do what the installation or an owner does whatever the model says of rights."""
        return self.portal.call(self._settle, call)

    async def _settle(self, call: Callable[[UnitOfWork], Awaitable[Any]]) -> Any:
        async with self.database.system() as work:
            return await call(replace(work, organization_id=self.tenant.organization_id))

    def keep_out(self, name: str, *, is_out: bool) -> None:
        """Suspend a person, or let them in again; then they sign in anew."""
        self.portal.call(self._keep_out, name, is_out)

    async def _keep_out(self, name: str, is_out: bool) -> None:  # noqa: FBT001  a portal's call
        verb = people.suspend_person if is_out else people.resume_person
        async with self.database.system() as work:
            await verb(work, email=self.emails[name])
            if not is_out:
                await self.sign_in(work, name)

    async def sign_in(self, work: UnitOfWork, name: str) -> None:
        """Begin a session of somebody."""
        self.cookies[name] = await login_sessions.begin(
            work, user_id=self.users[name], browser=NOWHERE, pepper=PEPPER
        )

    def binding(
        self, id_: UUID, name: str, role_id: UUID, place: BindingPlace, *, is_given: bool
    ) -> Change:
        """Give a role to a holder, or take it away."""
        verb = roles.bind_role if is_given else roles.unbind_role
        holder = Holder(kind_of(name), id_)
        workspace_id = place.workspace_id if place.object_id is not None else None
        return Change(
            lambda work, granter: verb(
                work, granter=granter, holder=holder, role_id=role_id, place=place
            ),
            workspace_id,
        )

    def joining(self, team_id: UUID, membership_id: UUID, *, is_in: bool) -> Change:
        """Put a member into a team, or take them out."""
        verb = members.add_to_team if is_in else members.take_from_team
        return Change(
            lambda work, granter: verb(
                work, granter=granter, team_id=team_id, membership_id=membership_id
            )
        )

    def defining(self, name: str, scopes: frozenset[Scope]) -> Change:
        """Change a role."""
        return Change(
            lambda work, granter: roles.upsert_role(work, granter=granter, name=name, scopes=scopes)
        )

    def removing(self, name: str, id_: UUID) -> Change:
        """Remove a member, or a machine."""
        verb = service_accounts.delete_service_account if name == "robot" else members.remove_member
        return Change(lambda work, granter: verb(work, granter=granter, id_=id_))

    def disbanding(self, id_: UUID) -> Change:
        """Delete a team."""
        return Change(lambda work, granter: members.delete_team(work, granter=granter, id_=id_))

    def inviting(self, name: str, role_id: UUID, place: BindingPlace) -> Change:
        """Invite somebody."""
        return Change(
            lambda work, granter: invitations.invite(
                work,
                granter=granter,
                email=self.emails[name],
                role_ids=[role_id],
                place=place,
                pepper=PEPPER,
            )
        )

    def keying(self, owner: str, scopes: frozenset[Scope], workspace_id: UUID | None) -> Change:
        """Make a key."""
        new = NewApiKey("key", self._actor(owner), scopes, workspace_id)
        return Change(
            lambda work, granter: api_keys.create_key(work, granter=granter, new=new, pepper=PEPPER)
        )

    def accept(self, name: str, token: str) -> UUID:
        """Come by an invitation, and return the id of the membership."""
        return self.portal.call(self._accept, name, token)

    async def _accept(self, name: str, token: str) -> UUID:
        async with self.database.system() as work:
            await invitations.accept(work, token=token, user_id=self.users[name], pepper=PEPPER)
        async with self.database.tenant(self.tenant.owner, None) as work:
            found = await members.find_by_user(work, user_id=self.users[name])
        assert found is not None
        return found.id


def kind_of(name: str) -> HolderKind:
    """Return what kind of holder a name is of."""
    if name in TEAMS:
        return HolderKind.TEAM
    return HolderKind.SERVICE_ACCOUNT if name == "robot" else HolderKind.MEMBERSHIP


def make_world(portal: BlockingPortal, database: Database) -> tuple[World, Model]:
    """Make an organization where much may go wrong, and the model of it."""
    return portal.call(_make_world, portal, database)


async def _make_world(portal: BlockingPortal, database: Database) -> tuple[World, Model]:
    tenant = await make_tenant(database)
    async with database.system() as work:
        second = await workspaces.create_workspace(
            work, organization_id=tenant.organization_id, slug="second", name="Second"
        )
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        pool, _ = await work_pools.upsert_work_pool(work, name="p", type_="process")
    here, there = BindingPlace(tenant.workspace_id), BindingPlace(second.id)
    on_pool = BindingPlace(tenant.workspace_id, ObjectKind.WORK_POOL, pool.id)
    world = World(portal, database, tenant, (EVERYWHERE, here, there, on_pool))
    model = Model(roles={role.id: role.scopes for role in BUILTIN.values()})
    await _make_people(world, model)
    await _make_holders(world, model)
    for name, role_id, place in (
        ("ada", ADMIN, EVERYWHERE),
        ("owners", OWNER, EVERYWHERE),
        ("cas", VIEWER, here),
        ("robot", OPERATOR, there),
    ):
        await world.change(
            Doer("olive"),
            world.binding(model.ids[name], name, role_id, place, is_given=True),
        )
        model.bound.add((name, role_id, place))
    revealer = world.made["Revealer"]
    made, token = await world.change(Doer("olive"), world.inviting("yve", revealer, here))
    model.invited["yve"] = Invited("olive", revealer, here, token, made.id)
    return world, model


async def _make_people(world: World, model: Model) -> None:
    database, tenant = world.database, world.tenant
    for name in ("ada", "bob", "cas"):
        member = await make_member(database, tenant)
        model.ids[name] = member.id
        world.users[name] = member.principal.actor.id or UUID(int=0)
    world.users["olive"] = tenant.owner.actor.id or UUID(int=0)
    async with database.system() as work:
        for name in OUTSIDE:
            email = f"{name}-{tenant.organization_id}@example.com"
            world.users[name] = (await users.create_user(work, display_name=name, email=email)).id
        for name in PEOPLE:
            user = await users.find_user(work, id_=world.users[name])
            assert user is not None
            world.emails[name] = user.email or ""
            await world.sign_in(work, name)
    async with database.tenant(tenant.owner, None) as work:
        olive = await members.find_by_user(work, user_id=world.users["olive"])
    assert olive is not None
    model.ids["olive"] = olive.id
    model.bound.add(("olive", OWNER, EVERYWHERE))


async def _make_holders(world: World, model: Model) -> None:
    tenant = world.tenant
    owner = await world.principal_of(Doer("olive"))
    async with world.database.tenant(owner, None) as work:
        for name, scopes in MADE.items():
            made = await roles.upsert_role(work, granter=owner, name=name, scopes=scopes)
            world.made[name] = made.id
            model.roles[made.id] = scopes
        for name in TEAMS:
            team = await members.upsert_team(work, granter=owner, name=name)
            model.ids[name] = team.id
            model.teams[name] = set()
        await members.add_to_team(
            work, granter=owner, team_id=model.ids["owners"], membership_id=model.ids["bob"]
        )
        model.teams["owners"].add("bob")
        robot = await service_accounts.create_service_account(
            work, organization_id=tenant.organization_id, name="robot"
        )
    model.ids["robot"] = world.users["robot"] = robot.id
