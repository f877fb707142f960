"""Roles, and who holds which where."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Row,
    Select,
    and_,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.ids import new_id
from headgate_server.domain.permissions import (
    BUILTIN_ROLES,
    BuiltinRole,
    Grant,
    Rights,
    Scope,
    gather,
    known_scopes,
)
from headgate_server.domain.roles import (
    BindingPlace,
    Holder,
    HolderKind,
    ObjectKind,
    Role,
    RoleBinding,
    builtin_role,
)
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.repositories.organizations import own
from headgate_server.repositories.owners import is_able_member
from headgate_server.tables.members import memberships, team_members
from headgate_server.tables.organizations import service_accounts, users
from headgate_server.tables.roles import HOLDERS, role_bindings, roles

_HOLDER_COLUMNS = {
    HolderKind.MEMBERSHIP: role_bindings.c.membership_id,
    HolderKind.SERVICE_ACCOUNT: role_bindings.c.service_account_id,
    HolderKind.TEAM: role_bindings.c.team_id,
}
_ALL = "uq_role_bindings_all"


def membership_of(organization_id: Column[Any], user_id: Column[Any]) -> Any:
    """Return the id of a user's membership, as an expression.

    Null for who is no member, and for who is suspended: their keys speak for nobody meanwhile.
    """
    is_suspended = (
        select(literal(1))
        .where(users.c.id == memberships.c.user_id, users.c.suspended_at.is_not(None))
        .correlate(memberships)
        .exists()
    )
    return (
        select(memberships.c.id)
        .where(
            memberships.c.organization_id == organization_id,
            memberships.c.user_id == user_id,
            ~is_suspended,
        )
        .correlate(organization_id.table)
        .scalar_subquery()
    )


def grants_of(organization_id: Column[Any], holder_id: Column[Any]) -> ColumnElement[Any]:
    """Return, as one JSON value, what a user or a service account holds in an organization.

    Both columns are of one table of the statement that this becomes a part of.

    A part of the statement that authenticates, so that rights are never older than it.
    """
    membership_id = membership_of(organization_id, holder_id)
    of_teams = (
        select(team_members.c.team_id)
        .where(
            team_members.c.organization_id == organization_id,
            team_members.c.membership_id == membership_id,
        )
        .correlate(organization_id.table)
    )
    held = func.jsonb_build_array(
        role_bindings.c.builtin_role,
        roles.c.scopes,
        role_bindings.c.workspace_id,
        role_bindings.c.object_id,
    )
    return (
        select(func.jsonb_agg(held))
        .select_from(role_bindings.outerjoin(roles, _is_role_of_binding()))
        .where(
            role_bindings.c.organization_id == organization_id,
            or_(
                role_bindings.c.membership_id == membership_id,
                role_bindings.c.service_account_id == holder_id,
                role_bindings.c.team_id.in_(of_teams),
            ),
        )
        .correlate(organization_id.table)
        .scalar_subquery()
    )


def read_grants(found: Sequence[Sequence[Any]] | None) -> list[Grant]:
    """Return the grants in what ``grants_of`` answered."""
    return [
        Grant(
            scopes=BUILTIN_ROLES[BuiltinRole(builtin)] if builtin else known_scopes(scopes),
            workspace_id=UUID(workspace) if workspace else None,
            object_id=UUID(object_) if object_ else None,
        )
        for builtin, scopes, workspace, object_ in found or ()
    ]


async def find_rights(work: UnitOfWork, *, organization_id: UUID, holder: Actor) -> Rights | None:
    """Return what a person or a machine may do in an organization; None for who is not in it."""
    place = memberships.alias("place") if holder.kind is ActorKind.USER else service_accounts
    id_ = place.c.user_id if holder.kind is ActorKind.USER else place.c.id
    statement = select(grants_of(place.c.organization_id, id_).label("grants")).where(
        place.c.organization_id == organization_id, id_ == holder.id
    )
    row = (await work.execute(statement)).one_or_none()
    return gather(read_grants(row.grants), is_member=True) if row is not None else None


async def insert_role(
    work: UnitOfWork, *, organization_id: UUID, name: str, scopes: Collection[Scope]
) -> Role | None:
    """Store a role; None when the organization has one of this name."""
    statement = (
        insert(roles)
        .values(
            organization_id=organization_id,
            id=new_id(),
            name=name,
            scopes=sorted(scopes),
            created_at=work.now,
            updated_at=work.now,
        )
        .on_conflict_do_nothing(index_elements=["organization_id", "name"])
        .returning(roles)
    )
    row = (await work.execute(statement)).one_or_none()
    return _role(row) if row is not None else None


async def update_role(work: UnitOfWork, *, id_: UUID, name: str, scopes: Collection[Scope]) -> Role:
    """Change a role; its version rises."""
    statement = (
        update(roles)
        .where(own(work, roles.c.organization_id), roles.c.id == id_)
        .values(name=name, scopes=sorted(scopes), version=roles.c.version + 1, updated_at=work.now)
        .returning(roles)
    )
    return _role((await work.execute(statement)).one())


async def find_role(work: UnitOfWork, *, id_: UUID) -> Role | None:
    """Return a role that the organization made."""
    row = (await work.execute(_own_roles(work).where(roles.c.id == id_))).one_or_none()
    return _role(row) if row is not None else None


async def find_by_name(work: UnitOfWork, *, name: str) -> Role | None:
    """Return the role of a name that the organization made, and lock it."""
    statement = _own_roles(work).where(roles.c.name == name).with_for_update()
    row = (await work.execute(statement)).one_or_none()
    return _role(row) if row is not None else None


async def get_many(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, Role]:
    """Return those of the roles that the organization made, by id."""
    rows = await work.execute(_own_roles(work).where(roles.c.id.in_(ids)))
    return {row.id: _role(row) for row in rows}


async def list_roles(work: UnitOfWork) -> list[Role]:
    """Return the roles that the organization made, by name."""
    rows = await work.execute(_own_roles(work).order_by(roles.c.name))
    return [_role(row) for row in rows]


async def count_roles(work: UnitOfWork) -> int:
    """Return how many roles the organization made."""
    statement = select(func.count()).select_from(_own_roles(work).subquery())
    return int((await work.execute(statement)).scalar_one())


async def delete_role(work: UnitOfWork, *, id_: UUID) -> bool:
    """Delete a role that nobody holds; whether it could be."""
    is_held = exists().where(
        role_bindings.c.organization_id == roles.c.organization_id,
        role_bindings.c.role_id == roles.c.id,
    )
    statement = delete(roles).where(own(work, roles.c.organization_id), roles.c.id == id_, ~is_held)
    return (await work.execute(statement)).rowcount == 1


async def insert_binding(
    work: UnitOfWork, *, organization_id: UUID, holder: Holder, role: Role, place: BindingPlace
) -> None:
    """Bind a role to a holder in a place; binding it again changes nothing.

    But for one that a provider gave: what somebody gives themselves is theirs from then on.
    """
    values: dict[str, object] = {
        "organization_id": organization_id,
        "id": new_id(),
        _HOLDER_COLUMNS[holder.kind].name: holder.id,
        "builtin_role": role.builtin.value if role.builtin else None,
        "role_id": None if role.builtin else role.id,
        "workspace_id": place.workspace_id,
        "object_kind": place.object_kind.value if place.object_kind else None,
        "object_id": place.object_id,
        "granted_by_kind": work.actor.kind.value,
        "granted_by_id": work.actor.id,
        "granted_by_name": work.actor.display_name,
        "created_at": work.now,
    }
    statement = insert(role_bindings).values(values)
    if work.actor.kind is ActorKind.SYSTEM:
        await work.execute(statement.on_conflict_do_nothing(constraint=_ALL))
        return
    granter = {name: value for name, value in values.items() if name.startswith("granted_by_")}
    is_given = role_bindings.c.granted_by_kind == ActorKind.SYSTEM.value
    await work.execute(
        statement.on_conflict_do_update(constraint=_ALL, set_=granter, where=is_given)
    )


async def delete_binding(
    work: UnitOfWork, *, holder: Holder, role: Role, place: BindingPlace
) -> bool:
    """Take a role away from a holder in a place; whether it was held there."""
    held = (
        role_bindings.c.builtin_role == role.builtin.value
        if role.builtin
        else role_bindings.c.role_id == role.id
    )
    statement = delete(role_bindings).where(
        own(work, role_bindings.c.organization_id),
        _HOLDER_COLUMNS[holder.kind] == holder.id,
        held,
        role_bindings.c.workspace_id.is_not_distinct_from(place.workspace_id),
        role_bindings.c.object_id.is_not_distinct_from(place.object_id),
    )
    return (await work.execute(statement)).rowcount > 0


async def delete_bindings_on(work: UnitOfWork, *, object_id: UUID) -> bool:
    """Forget the roles on an object that is deleted; whether anybody held one."""
    statement = delete(role_bindings).where(
        own(work, role_bindings.c.organization_id), role_bindings.c.object_id == object_id
    )
    return (await work.execute(statement)).rowcount > 0


async def set_granters(work: UnitOfWork, binding: RoleBinding) -> None:
    """Store who gives a role that somebody holds."""
    statement = (
        update(role_bindings)
        .where(own(work, role_bindings.c.organization_id), role_bindings.c.id == binding.id)
        .values(
            granted_by_kind=binding.granted_by.kind.value,
            granted_by_id=binding.granted_by.id,
            granted_by_name=binding.granted_by.display_name,
            also_granted_by=list(binding.also_granted_by),
        )
    )
    await work.execute(statement)


async def lock_bindings(work: UnitOfWork, *, holder_id: UUID) -> list[RoleBinding]:
    """Return the bindings of one holder, the oldest first; nobody else changes them meanwhile."""
    statement = bindings_of(work, [holder_id]).with_for_update(of=role_bindings)
    return [read_binding(row) for row in await work.execute(statement)]


async def list_bindings(work: UnitOfWork, holders: Sequence[UUID]) -> dict[UUID, list[RoleBinding]]:
    """Return the bindings of members, service accounts and teams, the oldest first, by holder."""
    found: dict[UUID, list[RoleBinding]] = {id_: [] for id_ in holders}
    for row in await work.execute(bindings_of(work, holders)):
        binding = read_binding(row)
        found[binding.holder.id].append(binding)
    return found


def bindings_of(work: UnitOfWork, holders: Sequence[UUID]) -> Select[Any]:
    """Return the select of what members, service accounts and teams hold, the oldest first."""
    holder_id = func.coalesce(*(role_bindings.c[name] for name in HOLDERS))
    return (
        select(role_bindings, roles.c.name, roles.c.scopes, roles.c.version)
        .select_from(role_bindings.outerjoin(roles, _is_role_of_binding()))
        .where(own(work, role_bindings.c.organization_id), holder_id.in_(holders))
        .order_by(role_bindings.c.id)
    )


async def list_grants(
    work: UnitOfWork, *, workspace_id: UUID | None, cap: int
) -> list[tuple[UUID, Grant]]:
    """Return what members hold, by themselves or through teams, that counts in a workspace.

    Who is suspended holds nothing meanwhile.

    Args:
        work: a unit of work of the organization.
        workspace_id: bindings of this workspace count beside those of the organization.
        cap: at most so many bindings are looked at.
    """
    member_id = func.coalesce(role_bindings.c.membership_id, team_members.c.membership_id)
    through = and_(
        team_members.c.organization_id == role_bindings.c.organization_id,
        team_members.c.team_id == role_bindings.c.team_id,
    )
    place = role_bindings.c.workspace_id
    here = place.is_(None) if workspace_id is None else or_(place.is_(None), place == workspace_id)
    statement = (
        select(member_id.label("member_id"), role_bindings, roles.c.scopes)
        .select_from(
            role_bindings.outerjoin(roles, _is_role_of_binding()).outerjoin(team_members, through)
        )
        .where(own(work, role_bindings.c.organization_id), is_able_member(member_id), here)
        .order_by(role_bindings.c.id)
        .limit(cap)
    )
    return [
        (
            row.member_id,
            Grant(
                BUILTIN_ROLES[BuiltinRole(row.builtin_role)]
                if row.builtin_role
                else known_scopes(row.scopes),
                workspace_id=row.workspace_id,
                object_id=row.object_id,
            ),
        )
        for row in await work.execute(statement)
    ]


def _is_role_of_binding() -> ColumnElement[bool]:
    return and_(
        roles.c.organization_id == role_bindings.c.organization_id,
        roles.c.id == role_bindings.c.role_id,
    )


def _own_roles(work: UnitOfWork) -> Select[Any]:
    return select(roles).where(own(work, roles.c.organization_id))


def _role(row: Row[Any]) -> Role:
    return Role(
        id=row.id,
        name=row.name,
        scopes=known_scopes(row.scopes),
        version=row.version,
        updated_at=row.updated_at,
    )


def read_binding(row: Row[Any]) -> RoleBinding:
    """Return the binding of a row of ``bindings_of``."""
    holders = {kind: getattr(row, column.name) for kind, column in _HOLDER_COLUMNS.items()}
    ((kind, holder_id),) = ((kind, id_) for kind, id_ in holders.items() if id_ is not None)
    role = (
        builtin_role(BuiltinRole(row.builtin_role))
        if row.builtin_role
        else Role(row.role_id, row.name, known_scopes(row.scopes), version=row.version)
    )
    return RoleBinding(
        id=row.id,
        holder=Holder(kind, holder_id),
        role=role,
        place=BindingPlace(
            workspace_id=row.workspace_id,
            object_kind=ObjectKind(row.object_kind) if row.object_kind else None,
            object_id=row.object_id,
        ),
        granted_by=Actor(ActorKind(row.granted_by_kind), row.granted_by_id, row.granted_by_name),
        created_at=row.created_at,
        also_granted_by=tuple(row.also_granted_by),
    )
