"""What pages of failures and of saved views read: few rows by an index, however many there are."""

from uuid import UUID

import pytest
from sqlalchemy import select, text

from headgate_server.domain.failure_groups import FailureGroupStatus, GroupFilter
from headgate_server.domain.pagination import PageRequest
from headgate_server.repositories import failure_groups as repository
from headgate_server.services import failure_groups, saved_views
from headgate_server.tables.failure_groups import failure_groups as groups
from tests.factories.failures import MANY_FAILURES, MANY_GROUPS, MANY_VIEWS
from tests.factories.histories import make_past_runs
from tests.fixtures.plans import forbid_scans, reading
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

OPEN = GroupFilter(statuses=(FailureGroupStatus.OPEN, FailureGroupStatus.REGRESSED))


async def make_failures(world: World) -> list[UUID]:
    """Make 300 failures, half of them of one group; return that and one of few, in this order."""
    async with world.system() as work:
        await make_past_runs(work, world.deployed, count=3_000)
        await work.execute(text(MANY_GROUPS))
        await work.execute(text(MANY_FAILURES))
        await work.execute(text(MANY_VIEWS))
        await work.execute(text("analyze failures, failure_groups, saved_views"))
        ordered = select(groups.c.id).order_by(groups.c.fingerprint).limit(2)
        return list((await work.execute(ordered)).scalars())


async def test_pages_of_failures_read_few_rows_in_so_many_statements(
    world: World, statements: list[str]
) -> None:
    large, small = await make_failures(world)
    page = PageRequest(size=50)
    read: list[tuple[int, int]] = []

    async with world.work() as work:
        for look in (
            lambda: failure_groups.list_groups(work, page=page, filter=OPEN),
            lambda: failure_groups.list_runs(work, group_id=large, page=page),
            lambda: failure_groups.list_runs(work, group_id=small, page=page),
            lambda: failure_groups.count_runs(work, group_id=large, cap=100),
            lambda: repository.list_failed(work, group_id=small, most=100),
            lambda: repository.count_refused(work, group_id=large, cap=100),
            lambda: saved_views.list_views(work, page=page, of_page="flow-runs"),
        ):
            before = await forbid_scans(work)
            statements.clear()
            await look()
            asked = len(statements)
            found = await reading(work, before)
            assert found.scanned == ()
            read.append((asked, found.rows))

    assert [asked for asked, _ in read] == [1] * len(read)
    most = (100, 200, 10, 410, 10, 310, 2_000)
    assert all(rows <= bound for (_, rows), bound in zip(read, most, strict=True)), read
