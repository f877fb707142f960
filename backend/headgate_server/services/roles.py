"""Roles and their bindings: nobody gives, changes or takes away more than they hold themselves."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain.changes import check_absent, check_version
from headgate_server.domain.errors import Conflict, Forbidden, InvalidInput, LimitExceeded, NotFound
from headgate_server.domain.ids import Kind, show
from headgate_server.domain.members import Membership
from headgate_server.domain.pagination import Beginning
from headgate_server.domain.permissions import Grant, Scope, gather, ungivable
from headgate_server.domain.roles import (
    BUILTIN,
    BindingPlace,
    Holder,
    HolderKind,
    ObjectKind,
    Role,
    RoleBinding,
    check_role,
    grant_of,
)
from headgate_server.domain.tenancy import Principal
from headgate_server.repositories import (
    bindings,
    deployments,
    members,
    owners,
    roles,
    service_accounts,
    work_pools,
    workspaces,
)
from headgate_server.repositories.blocks import documents as block_documents
from headgate_server.services.audit_entries.record import record_action, record_entry

MAX_ROLES = 200
MAX_GRANTERS = 20
MAX_BINDINGS_READ = 10_000


def check_grant(granter: Principal, grant: Grant) -> None:
    """Go on only if the granter holds what is granted, where it is granted.

    An owner may give BLOCKS_REVEAL, which nobody holds at first.

    Raises:
        Forbidden: with the scopes that the granter lacks there.
    """
    missing = ungivable(granter.all_rights(), grant)
    if missing:
        raise Forbidden(
            "You cannot give or take what you do not hold yourself; ask an owner.",
            missing_scopes=sorted(missing),
        )


async def get_role(work: UnitOfWork, *, id_: UUID) -> Role:
    """Return a built-in role, or one that the organization made.

    Raises:
        NotFound: neither.
    """
    found = BUILTIN.get(id_) or await roles.find_role(work, id_=id_)
    if found is None:
        raise NotFound("No such role in this organization.")
    return found


async def get_many_roles(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, Role]:
    """Return those of the roles that exist for the organization, by id."""
    made = [id_ for id_ in ids_ if id_ not in BUILTIN]
    found = await roles.get_many(work, made) if made else {}
    return found | {id_: BUILTIN[id_] for id_ in ids_ if id_ in BUILTIN}


async def list_roles(work: UnitOfWork) -> list[Role]:
    """Return the built-in roles, the most powerful first, then those that were made, by name."""
    return [*BUILTIN.values(), *await roles.list_roles(work)]


async def upsert_role(
    work: UnitOfWork,
    *,
    granter: Principal,
    name: str,
    scopes: frozenset[Scope],
    expected_version: int | None = None,
) -> Role:
    """Make the role of a name, or change what it gives to everyone who holds it.

    Raises:
        InvalidInput: a bad name, or no scopes.
        Forbidden: a scope, old or new, that the granter does not hold everywhere.
        Conflict: none was expected, and there is one.
        VersionConflict: it is not of the expected version.
        LimitExceeded: the organization has ``MAX_ROLES`` already.
    """
    check_role(name, scopes)
    check_grant(granter, Grant(scopes))
    current = await roles.find_by_name(work, name=name)
    if current is None:
        count = await roles.count_roles(work)
        if count >= MAX_ROLES:
            message = f"An organization has at most {MAX_ROLES} roles; delete one first."
            raise LimitExceeded(message, limit=MAX_ROLES, current=count)
        made = await roles.insert_role(
            work, organization_id=granter.organization_id, name=name, scopes=scopes
        )
        if made is None:
            raise Conflict("Another caller has just made this role; send it again.", path=["name"])
        await record_entry(work, "created", kind=Kind.ROLE, id_=made.id, name=name, after=made)
        return made
    check_absent(show(Kind.ROLE, current.id), expected=expected_version)
    check_version(current.version, expected=expected_version)
    if current.scopes == scopes:
        return current
    check_grant(granter, Grant(current.scopes))
    changed = await roles.update_role(work, id_=current.id, name=name, scopes=scopes)
    wake_rights(work)
    await record_entry(
        work, "updated", kind=Kind.ROLE, id_=changed.id, name=name, before=current, after=changed
    )
    return changed


async def delete_role(work: UnitOfWork, *, granter: Principal, id_: UUID) -> None:
    """Delete a role that the organization made and nobody holds.

    Raises:
        NotFound: no such role.
        Forbidden: it is built in, or holds a scope that the granter lacks.
        Conflict: somebody holds it.
    """
    role = await get_role(work, id_=id_)
    if role.builtin:
        raise Forbidden("Built-in roles stay.")
    check_grant(granter, Grant(role.scopes))
    if not await roles.delete_role(work, id_=id_):
        raise Conflict("Somebody holds this role; take it away from them first.")
    await record_entry(work, "deleted", kind=Kind.ROLE, id_=id_, name=role.name, before=role)


async def bind_role(
    work: UnitOfWork,
    *,
    granter: Principal,
    holder: Holder,
    role_id: UUID,
    place: BindingPlace,
) -> None:
    """Give a role to a holder in a place; giving it again changes nothing.

    Raises:
        NotFound: no such holder, role, workspace or object.
        Forbidden: the role gives what the granter does not hold there.
    """
    role = await _check(work, holder=holder, role_id=role_id, place=place)
    check_grant(granter, grant_of(role, place))
    await roles.insert_binding(
        work, organization_id=granter.organization_id, holder=holder, role=role, place=place
    )
    wake_rights(work)
    await _record(work, "role_bound", holder, role, place)


async def unbind_role(
    work: UnitOfWork, *, granter: Principal, holder: Holder, role_id: UUID, place: BindingPlace
) -> None:
    """Take a role away from a holder in a place; a role that is not held there stays so.

    Raises:
        NotFound: no such holder, role, workspace or object.
        Forbidden: the role gives what the granter does not hold there.
        Conflict: the organization would be left without an owner.
    """
    role = await _check(work, holder=holder, role_id=role_id, place=place)
    check_grant(granter, grant_of(role, place))
    async with keeping_an_owner(work):
        await roles.delete_binding(work, holder=holder, role=role, place=place)
    wake_rights(work)
    await _record(work, "role_unbound", holder, role, place)


@asynccontextmanager
async def keeping_an_owner(work: UnitOfWork) -> AsyncGenerator[None]:
    """Change who owns the organization, and so every workspace of it, but leave it an owner.

    One who is suspended cannot act, and counts only where all owners were before.

    Raises:
        Conflict: nobody would own it, or nobody who can act.
    """
    await owners.lock_owners(work)
    had_one = await owners.has_owner(work, is_able=True)
    yield
    if not await owners.has_owner(work, is_able=had_one):
        raise Conflict("This would leave the organization without an owner; name another first.")


async def check_place(work: UnitOfWork, place: BindingPlace) -> None:
    """Go on only if a place exists; one with an object needs a unit of work of its workspace.

    Raises:
        NotFound: no such workspace or object.
        InvalidInput: an object of a kind that no role is bound to.
    """
    if place.workspace_id is None:
        return
    if await workspaces.find_workspace(work, id_=place.workspace_id) is None:
        raise NotFound("No such workspace in this organization.")
    if place.object_id is not None and not await _has_object(work, place):
        raise NotFound("No such object in this workspace.")


async def list_first_bindings(
    work: UnitOfWork, holders: Sequence[UUID]
) -> dict[UUID, Beginning[RoleBinding]]:
    """Return the first bindings of members, service accounts and teams, the oldest first."""
    return await bindings.list_first_bindings(work, holders)


async def list_granters(work: UnitOfWork, grant: Grant) -> list[Membership]:
    """Return who could give away a grant: members who manage members there and hold all of it.

    Returns:
        At most ``MAX_GRANTERS``, who joined first first.
    """
    held: dict[UUID, list[Grant]] = {}
    for member_id, found in await roles.list_grants(
        work, workspace_id=grant.workspace_id, cap=MAX_BINDINGS_READ
    ):
        held.setdefault(member_id, []).append(found)
    wanted = replace(grant, scopes=grant.scopes | {Scope.MEMBERS_WRITE})
    able = [
        member_id
        for member_id, grants in held.items()
        if not ungivable(gather(grants, is_member=True), wanted)
    ]
    people = await members.get_many(work, able)
    return sorted(people.values(), key=lambda one: (one.joined_at, one.id))[:MAX_GRANTERS]


async def forget_roles_on(work: UnitOfWork, *, object_id: UUID) -> None:
    """Take from everybody what they hold on an object that is deleted; also on open connections."""
    if await roles.delete_bindings_on(work, object_id=object_id):
        wake_rights(work)


def wake_rights(work: UnitOfWork) -> None:
    """Have the open connections of the organization look again at what they may do."""
    if work.organization_id is not None:
        work.wake(channels.rights(work.organization_id))


async def _record(
    work: UnitOfWork, verb: str, holder: Holder, role: Role, place: BindingPlace
) -> None:
    kind = Kind[holder.kind.name]
    said: dict[str, Any] = {"role": role.name, "role_id": show(Kind.ROLE, role.id)}
    if place.workspace_id is not None:
        said["workspace"] = show(Kind.WORKSPACE, place.workspace_id)
    if place.object_kind is not None and place.object_id is not None:
        said["object"] = show(Kind[place.object_kind.name], place.object_id)
    await record_action(work, verb, kind=kind, id_=holder.id, name=show(kind, holder.id), said=said)


async def _check(work: UnitOfWork, *, holder: Holder, role_id: UUID, place: BindingPlace) -> Role:
    if not await _has_holder(work, holder):
        raise NotFound("No such member, service account or team in this organization.")
    await check_place(work, place)
    return await get_role(work, id_=role_id)


async def _has_holder(work: UnitOfWork, holder: Holder) -> bool:
    match holder.kind:
        case HolderKind.MEMBERSHIP:
            return await members.find_membership(work, id_=holder.id) is not None
        case HolderKind.SERVICE_ACCOUNT:
            return await service_accounts.find_account(work, id_=holder.id) is not None
        case HolderKind.TEAM:
            return await members.find_team(work, id_=holder.id) is not None


async def _has_object(work: UnitOfWork, place: BindingPlace) -> bool:
    wanted = [place.object_id] if place.object_id else []
    match place.object_kind:
        case ObjectKind.DEPLOYMENT:
            return bool(await deployments.get_many(work, wanted))
        case ObjectKind.WORK_POOL:
            return bool(await work_pools.get_many(work, wanted))
        case ObjectKind.BLOCK_DOCUMENT:
            return bool(await block_documents.get_many(work, wanted))
        case _:
            raise InvalidInput("A role is bound to deployments, pools and blocks only.")
