"""Service accounts: create and find."""

from collections.abc import Sequence
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.errors import NotFound
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.domain.quotas import QuotaKind
from headgate_server.domain.service_accounts import ServiceAccount
from headgate_server.domain.tenancy import Principal
from headgate_server.domain.workspaces import check_name
from headgate_server.repositories import api_keys, organizations, roles, service_accounts
from headgate_server.services import object_counts
from headgate_server.services.audit_entries.record import record_action, record_entry
from headgate_server.services.roles import check_grant


async def create_service_account(
    work: UnitOfWork, *, organization_id: UUID, name: str
) -> ServiceAccount:
    """Create a service account in the caller's organization.

    Raises:
        InvalidInput: a bad name.
        NotFound: the organization is another's, or does not exist.
        QuotaExceeded: the organization has as many as it may.
    """
    check_name(name)
    if await organizations.find_organization(work, id_=organization_id) is None:
        raise NotFound
    made = await service_accounts.insert_account(
        work, organization_id=organization_id, id_=ids.new_id(), display_name=name
    )
    await object_counts.claim(work, QuotaKind.SERVICE_ACCOUNTS, organization_id=organization_id)
    await record_entry(
        work, "created", kind=ids.Kind.SERVICE_ACCOUNT, id_=made.id, name=name, after=made
    )
    return made


async def delete_service_account(work: UnitOfWork, *, granter: Principal, id_: UUID) -> None:
    """Delete a service account with its roles, and revoke its keys.

    Raises:
        NotFound: no such service account in the organization.
        Forbidden: it holds what the granter does not.
    """
    for binding in (await roles.list_bindings(work, [id_]))[id_]:
        check_grant(granter, binding.grant)
    account = await service_accounts.find_account(work, id_=id_)
    if account is None or not await service_accounts.delete_account(work, id_=id_):
        raise NotFound
    revoked = await api_keys.revoke_all(work, owner_id=id_)
    await object_counts.release(work, QuotaKind.SERVICE_ACCOUNTS)
    await object_counts.release(work, QuotaKind.API_KEYS, amount=len(revoked))
    for key_id in revoked:
        work.wake(channels.api_key(key_id))
    await record_action(
        work,
        "deleted",
        kind=ids.Kind.SERVICE_ACCOUNT,
        id_=id_,
        name=account.display_name,
        said={"revoked_keys": [ids.show(ids.Kind.API_KEY, key_id) for key_id in revoked]},
    )


async def find_service_account(work: UnitOfWork, *, id_: UUID) -> ServiceAccount | None:
    """Return a service account of the caller's organization."""
    return await service_accounts.find_account(work, id_=id_)


async def get_many_service_accounts(
    work: UnitOfWork, ids_: Sequence[UUID]
) -> dict[UUID, ServiceAccount]:
    """Return those of the service accounts in the caller's organization, by id."""
    return await service_accounts.get_many(work, ids_)


async def list_service_accounts(
    work: UnitOfWork, *, organization_id: UUID, page: PageRequest
) -> Page[ServiceAccount]:
    """Return a page of service accounts, oldest first: the page key is ``(id,)``."""
    return await service_accounts.list_accounts(work, organization_id=organization_id, page=page)


async def count_service_accounts(work: UnitOfWork, *, organization_id: UUID, cap: int) -> int:
    """Return how many service accounts there are; ``cap + 1`` stands for more than ``cap``."""
    return await service_accounts.count_accounts(work, organization_id=organization_id, cap=cap)
