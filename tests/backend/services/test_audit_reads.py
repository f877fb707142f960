"""The audit log of an organization whose runs read blocks all day: what people did is found."""

import pytest
from sqlalchemy import text

from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.filters import AuditFilter, IdFilter, StringFilter
from headgate_server.domain.pagination import PageRequest
from headgate_server.services.audit_entries import read
from tests.fixtures.plans import forbid_scans, reading
from tests.fixtures.sql import query
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

NOISE = 5_000
MANY = f"""
insert into audit_entries (organization_id, id, at, actor_kind, actor_id, actor_name, request_id,
  action, target_kind, target_id, target_name, workspace_id)
select :organization_id, gen_random_uuid(), now() - number * interval '1 second', 'system', null,
  'Headgate', 'r', case when number > {NOISE - 3} then 'role.updated' else 'block.resolved' end,
  'role', gen_random_uuid(), 'a',
  case when number > {NOISE - 5} then cast(:workspace_id as uuid) end
from generate_series(1, {NOISE}) number
"""  # noqa: S608  of this test


async def test_what_is_rare_in_a_long_log_is_found_past_all_else(
    world: World, urls: DatabaseUrls
) -> None:
    organization_id, workspace_id = world.tenant.organization_id, world.tenant.workspace_id
    page = PageRequest(50, None)
    of_roles = [
        AuditFilter(action=StringFilter(eq="role.updated")),
        AuditFilter(action=StringFilter(starts_with="ROLE.")),
        AuditFilter(action=StringFilter(contains="ole.upd")),
        AuditFilter(action=StringFilter(contains="role.", in_=("role.updated", "block.resolved"))),
    ]
    of_workspace = AuditFilter(
        workspace_id=IdFilter(eq=workspace_id), action=StringFilter(starts_with="role.")
    )
    async with world.system() as work:
        values = {"organization_id": organization_id, "workspace_id": workspace_id}
        await work.execute(text(MANY), values)

    await query(urls.owner, "analyze audit_entries")

    async with world.work() as work:
        for filter_, found in [*((one, 3) for one in of_roles), (of_workspace, 3)]:
            before = await forbid_scans(work)
            entries = await read.list_entries(
                work, organization_id=organization_id, page=page, filter=filter_
            )
            count = await read.count_entries(
                work, organization_id=organization_id, filter=filter_, cap=100
            )
            cost = await reading(work, before)
            assert (len(entries.items), count) == (found, found), filter_
            assert (cost.scanned, cost.rows < 60) == ((), True), (filter_, cost)

        unknown = AuditFilter(action=StringFilter(starts_with="nothing"))
        none = await read.list_entries(
            work, organization_id=organization_id, page=page, filter=unknown
        )
        assert list(none.items) == []
        with pytest.raises(InvalidInput):
            await read.list_entries(
                work,
                organization_id=organization_id,
                page=page,
                filter=AuditFilter(action=StringFilter(contains="a" * 2_000)),
            )
