"""What a provider's groups give in the organization that it signs people in to."""

import logging
from collections.abc import Awaitable, Callable, Collection, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.identities import Provider
from headgate_server.domain.organizations import Organization
from headgate_server.domain.permissions import BuiltinRole
from headgate_server.domain.quotas import QuotaKind
from headgate_server.domain.roles import (
    EVERYWHERE,
    BindingPlace,
    Holder,
    HolderKind,
    Role,
    RoleBinding,
    builtin_role,
    provider_actor,
)
from headgate_server.domain.tenancy import SYSTEM, Actor
from headgate_server.repositories import members, organizations, owners, roles, workspaces
from headgate_server.services import object_counts
from headgate_server.services.audit_entries.record import record_action
from headgate_server.services.roles import wake_rights

logger = logging.getLogger(__name__)

Wanted = dict[tuple[UUID, BindingPlace], Role]
NOTHING: Wanted = {}


@dataclass(frozen=True, slots=True)
class _Held:
    """A membership of somebody, and the names of the providers that gave it roles."""

    organization_id: UUID
    membership_id: UUID
    by: frozenset[str]


async def join(
    work: UnitOfWork,
    provider: Provider,
    *,
    known: Collection[Provider],
    groups: AbstractSet[str],
    user_id: UUID,
) -> None:
    """Have somebody hold in the provider's organization what their groups give, and no more of it.

    What others gave them stays, and the last owner stays one. A role or workspace that is missing
    there is left out, and logged: it is no fault of who signs in. What was given by a provider that
    signs nobody in any more is taken away, and so is what any gave in another organization.

    Args:
        work: as the system.
        provider: who signed them in.
        known: all that sign people in here.
        groups: those that its token named.
        user_id: whom.
    """
    if provider.organization is None:
        await _settle_all(work, known=known, user_id=user_id)
        return
    place = await _find_organization(work, provider.organization)
    if place is None:
        logger.error("Provider %s: there is no organization of its slug or id", provider.slug)
        return
    actor = provider_actor(provider.issuer)
    within = replace(work, organization_id=place.id, actor=actor)
    membership_id, is_new = await members.insert_membership(
        within, organization_id=place.id, user_id=user_id, invited_by=actor
    )
    if is_new:
        await object_counts.claim(within, QuotaKind.MEMBERS)
        await _record(within, "added", membership_id, user_id, said={"provider": provider.slug})
    wanted = await _wanted(within, provider, groups, organization_id=place.id)

    async def settle() -> None:
        others = [one for one in known if one.issuer != provider.issuer]
        said = {"provider": provider.slug, "roles": sorted(one.name for one in wanted.values())}
        if await _bind(within, wanted, known=others, membership_id=membership_id):
            await _tell(within, membership_id, user_id, said=said)

    await _settle_all(work, known=known, user_id=user_id, own=(place.id, settle))


async def leave(
    work: UnitOfWork, issuer: str, *, known: Collection[Provider], user_id: UUID
) -> None:
    """Take back what an issuer's groups gave to whom it signs in no more; as the system.

    That is in whatever organization, be its provider in the file or not. They stay a member, with
    what others gave them; and the last owner stays one.
    """
    others = [one for one in known if one.issuer != issuer]
    await _settle_all(work, known=others, user_id=user_id)


async def _settle_all(
    work: UnitOfWork,
    *,
    known: Collection[Provider],
    user_id: UUID,
    own: tuple[UUID, Callable[[], Awaitable[None]]] | None = None,
) -> None:
    """Take what providers gave in organizations that they sign nobody in to any more.

    All of these are locked before any is changed, in one order: who signs in elsewhere waits.

    Args:
        work: as the system.
        known: those whose roles stay where they sign people in.
        user_id: whose roles.
        own: an organization that is settled in another way, and how.
    """
    settling: list[tuple[UUID, Callable[[], Awaitable[None]]]] = [own] if own else []
    for one in await _list_held(work, user_id=user_id):
        if own is not None and one.organization_id == own[0]:
            continue
        stay = await _staying(work, known, one.by, place_id=one.organization_id)
        if gone := one.by - stay:
            settle = partial(_settle, work, one, gone=gone, known=known, user_id=user_id)
            settling.append((one.organization_id, settle))
    settling.sort(key=lambda each: each[0])
    for id_, _ in settling:
        await owners.lock_owners(replace(work, organization_id=id_))
    for _, settle in settling:
        await settle()


async def _list_held(work: UnitOfWork, *, user_id: UUID) -> list[_Held]:
    found = await members.list_organizations_of(work, user_id=user_id)
    held = await roles.list_bindings(work, [one.membership_id for one in found])
    return [
        _Held(one.organization.id, one.membership_id, _givers(held[one.membership_id]))
        for one in found
    ]


def _givers(bindings: Iterable[RoleBinding]) -> frozenset[str]:
    return frozenset(name for one in bindings for name in one.providers)


async def _staying(
    work: UnitOfWork, known: Collection[Provider], given: AbstractSet[str], *, place_id: UUID
) -> frozenset[str]:
    """Return those of the names that givers have by which a provider gives roles there.

    Such names are issuers, and formerly slugs. A provider whose organization is not found may mean
    any: a slug that is misspelt takes nothing away.
    """
    anywhere, found = replace(work, organization_id=None), set[str]()
    for one in known:
        names = {provider_actor(name).display_name for name in (one.issuer, one.slug)} & given
        if names and one.organization is not None:
            place = await _find_organization(anywhere, one.organization)
            if place is None or place.id == place_id:
                found |= names
    return frozenset(found)


async def _find_organization(work: UnitOfWork, named: str) -> Organization | None:
    """Return the organization that a provider is for; a slug is followed as it is renamed."""
    if "_" not in named:
        return await organizations.find_by_slug(work, slug=named)
    return await organizations.find_open(work, id_=ids.parse(named, kind=ids.Kind.ORGANIZATION))


async def _settle(
    work: UnitOfWork,
    held: _Held,
    *,
    gone: AbstractSet[str],
    known: Collection[Provider],
    user_id: UUID,
) -> None:
    """Take what was given by providers that sign nobody in there; no other is named there."""
    actor = replace(SYSTEM, display_name=next(iter(gone))) if len(gone) == 1 else SYSTEM
    within = replace(work, organization_id=held.organization_id, actor=actor)
    if await _bind(within, NOTHING, known=known, membership_id=held.membership_id):
        await _tell(within, held.membership_id, user_id, said={"roles": []})


async def _tell(
    work: UnitOfWork, membership_id: UUID, user_id: UUID, *, said: dict[str, Any]
) -> None:
    wake_rights(work)
    await _record(work, "roles_settled", membership_id, user_id, said=said)


async def _record(
    work: UnitOfWork, verb: str, membership_id: UUID, user_id: UUID, *, said: dict[str, Any]
) -> None:
    kind, name = ids.Kind.MEMBERSHIP, ids.show(ids.Kind.USER, user_id)
    await record_action(work, verb, kind=kind, id_=membership_id, name=name, said=said)


async def _bind(
    work: UnitOfWork, wanted: Wanted, *, known: Collection[Provider], membership_id: UUID
) -> bool:
    """Give what is missing, take what no provider but this one gave and it no more; if any changed.

    Args:
        work: of the organization, whose owners are locked.
        wanted: what they hold from now on, by who acts.
        known: the other providers: what they give there stays.
        membership_id: who holds it.
    """
    assert work.organization_id is not None  # noqa: S101  callers have set it
    holder = Holder(HolderKind.MEMBERSHIP, membership_id)
    bindings = await roles.lock_bindings(work, holder_id=membership_id)
    held = {(one.role.id, one.place): one for one in bindings}
    others = await _staying(work, known, _givers(bindings), place_id=work.organization_id)
    missing = wanted.keys() - held.keys()
    for key in missing:
        await roles.insert_binding(
            work,
            organization_id=work.organization_id,
            holder=holder,
            role=wanted[key],
            place=key[1],
        )
    is_changed = bool(missing)
    for key, one in held.items():
        left = _left_of(one, by=work.actor, is_wanted=key in wanted, others=others)
        if left is None and not await owners.has_owner(work, is_able=False, but=one.id):
            logger.warning("%s: the last owner stays one", work.actor.display_name)
        elif left is None:
            is_changed = True
            await roles.delete_binding(work, holder=holder, role=one.role, place=one.place)
        elif left != one:
            is_changed = True
            await roles.set_granters(work, left)
    return is_changed


def _left_of(
    binding: RoleBinding, *, by: Actor, is_wanted: bool, others: AbstractSet[str]
) -> RoleBinding | None:
    """Return a binding as one provider has it; None where nobody gives it any more."""
    left: RoleBinding | None = binding.given_too(by) if is_wanted else binding
    stay = {*others, by.display_name} if is_wanted else others
    for name in binding.providers:
        if left is not None and name not in stay:
            left = left.given_no_more(replace(by, display_name=name))
    return left


async def _wanted(
    work: UnitOfWork, provider: Provider, groups: AbstractSet[str], *, organization_id: UUID
) -> Wanted:
    found: Wanted = {}
    for name, slug in provider.roles_of(frozenset(groups)):
        role = await _find_role(work, name)
        place = await _find_place(work, slug, organization_id=organization_id)
        if role is None or place is None:
            logger.error("Provider %s: no role %s, or no workspace %s", provider.slug, name, slug)
            continue
        found[role.id, place] = role
    return found


async def _find_role(work: UnitOfWork, name: str) -> Role | None:
    if name in {role.value for role in BuiltinRole}:
        return builtin_role(BuiltinRole(name))
    return await roles.find_by_name(work, name=name)


async def _find_place(
    work: UnitOfWork, slug: str | None, *, organization_id: UUID
) -> BindingPlace | None:
    if slug is None:
        return EVERYWHERE
    found = await workspaces.find_by_slug(work, organization_id=organization_id, slug=slug)
    return BindingPlace(found.id) if found is not None else None
