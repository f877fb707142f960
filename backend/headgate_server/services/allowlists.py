"""Allowlists: from where an organization may be reached, without locking its people out."""

from collections.abc import Sequence
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.allowlists import Networks, admits, parse_networks
from headgate_server.domain.changes import check_version
from headgate_server.domain.errors import InvalidInput, NotFound
from headgate_server.domain.organizations import Organization
from headgate_server.repositories import organizations
from headgate_server.services.audit_entries.record import record_entry


async def set_networks(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    networks: Sequence[str],
    address: str | None,
    expected_version: int | None = None,
) -> Organization:
    """Let an organization be reached from some networks only; from everywhere where none is named.

    Connections from elsewhere end as this commits, those of agents and runs, too. A list that
    would not let its own author in is refused: so nobody locks everybody out by mistake.

    Args:
        work: a unit of work of the organization.
        organization_id: which one.
        networks: addresses, or networks in CIDR notation.
        address: from where this is asked.
        expected_version: of the organization.

    Raises:
        InvalidInput: something that is no network, or a list without the caller's own address.
        NotFound: it is another's, or does not exist.
        VersionConflict: it is not of the expected version.
    """
    wanted = parse_networks(networks)
    if not admits(wanted, address):
        raise InvalidInput(
            f"Your own address, {address or 'which is not known'}, is in none of these networks: "
            "you would lock yourself out. Add it, or ask from an address that is allowed.",
            path=["networks"],
        )
    return await _write(work, organization_id, wanted, expected_version=expected_version)


async def clear_networks(work: UnitOfWork, *, slug: str) -> Organization:
    """Let an organization be reached from everywhere again, as an operator; as the system.

    Raises:
        NotFound: there is none of this slug.
    """
    found = await organizations.find_by_slug(work, slug=slug)
    if found is None:
        raise NotFound("No organization has this slug.")
    return await _write(work, found.id, (), expected_version=None)


async def _write(
    work: UnitOfWork, id_: UUID, wanted: Networks, *, expected_version: int | None
) -> Organization:
    current = await organizations.lock_organization(work, id_=id_)
    if current is None:
        raise NotFound
    check_version(current.version, expected=expected_version)
    if current.allowed_networks == wanted:
        return current
    changes = {"allowed_networks": list(wanted)}
    updated = await organizations.update_organization(work, id_=id_, changes=changes)
    if updated is None:
        raise NotFound
    work.wake(channels.rights(id_))
    await record_entry(
        work,
        "allowlist_set",
        kind=ids.Kind.ORGANIZATION,
        id_=id_,
        name=current.name,
        before={"networks": current.allowed_networks},
        after={"networks": wanted},
        organization_id=id_,
    )
    return updated
