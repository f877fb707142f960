"""What a provider's groups give in the organization that it signs people in to."""

import logging
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from dataclasses import replace
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
from headgate_server.domain.tenancy import Actor
from headgate_server.repositories import members, organizations, owners, roles, workspaces
from headgate_server.services import object_counts
from headgate_server.services.audit_entries.record import record_action
from headgate_server.services.roles import wake_rights

logger = logging.getLogger(__name__)

Wanted = dict[tuple[UUID, BindingPlace], Role]


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
        await _settle_elsewhere(work, provider, known, user_id=user_id, but=None)
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
    await _settle(
        within,
        provider,
        wanted,
        others=await _others(work, provider, known, place_id=place.id),
        membership_id=membership_id,
        user_id=user_id,
    )
    await _settle_elsewhere(work, provider, known, user_id=user_id, but=place.id)


async def leave(
    work: UnitOfWork, provider: Provider, *, known: Collection[Provider], user_id: UUID
) -> None:
    """Take back what a provider's groups gave to whom it signs in no more; as the system.

    They stay a member, with what others gave them; and the last owner stays one.
    """
    place = None
    if provider.organization is not None:
        place = await _find_organization(work, provider.organization)
    if place is not None:
        within = replace(work, organization_id=place.id, actor=provider_actor(provider.issuer))
        membership = await members.find_by_user(within, user_id=user_id)
        if membership is not None:
            others = await _others(work, provider, known, place_id=place.id)
            await _settle(
                within, provider, {}, others=others, membership_id=membership.id, user_id=user_id
            )
    but = None if place is None else place.id
    await _settle_elsewhere(work, provider, known, user_id=user_id, but=but)


async def _settle_elsewhere(
    work: UnitOfWork,
    provider: Provider,
    known: Collection[Provider],
    *,
    user_id: UUID,
    but: UUID | None,
) -> None:
    """Take what providers gave in organizations that they sign nobody in to any more.

    Args:
        but: the organization that is settled already.
    """
    for one in await members.list_organizations_of(work, user_id=user_id):
        id_ = one.organization.id
        if id_ == but:
            continue
        within = replace(work, organization_id=id_, actor=provider_actor(provider.issuer))
        held = (await roles.list_bindings(within, [one.membership_id]))[one.membership_id]
        given = {name for binding in held for name in binding.providers}
        if not given:
            continue
        others = await _names(work, known, place_id=id_)
        if given - others:
            await _settle(
                within,
                provider,
                {},
                others=others,
                membership_id=one.membership_id,
                user_id=user_id,
            )


async def _others(
    work: UnitOfWork, provider: Provider, known: Collection[Provider], *, place_id: UUID
) -> frozenset[str]:
    """Return the names by which other providers give roles in an organization."""
    others = [one for one in known if one.issuer != provider.issuer]
    return await _names(work, others, place_id=place_id)


async def _names(
    work: UnitOfWork, providers: Collection[Provider], *, place_id: UUID
) -> frozenset[str]:
    """Return the names by which providers give roles there: issuers, and formerly slugs.

    One whose organization is not found may mean any: a slug that is misspelt takes nothing away.
    """
    found: set[str] = set()
    for one in providers:
        if one.organization is not None:
            place = await _find_organization(work, one.organization)
            if place is None or place.id == place_id:
                names = (provider_actor(name) for name in (one.issuer, one.slug))
                found |= {actor.display_name for actor in names}
    return frozenset(found)


async def _find_organization(work: UnitOfWork, named: str) -> Organization | None:
    """Return the organization that a provider is for; a slug is followed as it is renamed."""
    if "_" not in named:
        return await organizations.find_by_slug(work, slug=named)
    return await organizations.find_open(work, id_=ids.parse(named, kind=ids.Kind.ORGANIZATION))


async def _settle(
    work: UnitOfWork,
    provider: Provider,
    wanted: Wanted,
    *,
    others: AbstractSet[str],
    membership_id: UUID,
    user_id: UUID,
) -> None:
    await owners.lock_owners(work)
    if await _bind(work, wanted, others=others, membership_id=membership_id):
        wake_rights(work)
        given = sorted(one.name for one in wanted.values())
        said = {"provider": provider.slug, "roles": given}
        await _record(work, "roles_settled", membership_id, user_id, said=said)


async def _record(
    work: UnitOfWork, verb: str, membership_id: UUID, user_id: UUID, *, said: dict[str, Any]
) -> None:
    kind, name = ids.Kind.MEMBERSHIP, ids.show(ids.Kind.USER, user_id)
    await record_action(work, verb, kind=kind, id_=membership_id, name=name, said=said)


async def _bind(
    work: UnitOfWork, wanted: Wanted, *, others: AbstractSet[str], membership_id: UUID
) -> bool:
    """Give what is missing, take what no provider but this one gave and it no more; if any changed.

    Args:
        others: the names of the providers whose roles stay.
    """
    assert work.organization_id is not None  # noqa: S101  callers have set it
    holder = Holder(HolderKind.MEMBERSHIP, membership_id)
    held = {
        (one.role.id, one.place): one
        for one in await roles.lock_bindings(work, holder_id=membership_id)
    }
    missing = wanted.keys() - held.keys()
    give = partial(roles.insert_binding, work, organization_id=work.organization_id, holder=holder)
    for key in missing:
        await give(role=wanted[key], place=key[1])
    is_changed = bool(missing)
    for key, one in held.items():
        left = _left_of(one, by=work.actor, is_wanted=key in wanted, others=others)
        if left == one:
            continue
        is_changed = True
        if left is not None:
            await roles.set_granters(work, left)
            continue
        await roles.delete_binding(work, holder=holder, role=one.role, place=one.place)
        if not await owners.has_owner(work, is_able=False):
            logger.warning("%s: the last owner stays one", work.actor.display_name)
            await give(role=one.role, place=one.place)
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
