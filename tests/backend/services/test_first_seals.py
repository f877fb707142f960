"""A chain that begins while it is verified."""

from uuid import UUID

import pytest

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.audit_entries import AuditHead
from headgate_server.repositories import audit_entries
from headgate_server.services.audit_entries import seal, verify
from tests.backend.services.test_audit_entries import write
from tests.factories.tenants import make_tenant

pytestmark = pytest.mark.anyio


async def test_log_that_is_sealed_first_as_it_is_verified_is_good(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, find_head = await make_tenant(database), audit_entries.find_head

    async def find_and_seal(work: UnitOfWork, *, organization_id: UUID) -> AuditHead | None:
        head = await find_head(work, organization_id=organization_id)
        await write(database, tenant, 1)
        await seal.seal_waiting(database)
        return head

    monkeypatch.setattr(audit_entries, "find_head", find_and_seal)
    async with database.system() as work:
        verdict = await verify.verify_chain(work, organization_id=tenant.organization_id)

    assert verdict.problem is None
