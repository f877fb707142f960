"""A run with thousands of others below it is cancelled at once; those end in bounded batches."""

import pytest
from sqlalchemy import func, select

from headgate_server.domain.ids import Kind, parse
from headgate_server.domain.leases import Phase
from headgate_server.loops import run_ends
from headgate_server.loops.loop import LoopContext
from headgate_server.services import cancels
from headgate_server.services.flow_runs import create
from headgate_server.settings import Timers
from headgate_server.tables.work_pools import work_items
from tests.factories.estates import Estate
from tests.factories.mutations import mutate
from tests.fixtures.installations import Installation

pytestmark = pytest.mark.anyio

CHILDREN = 3_000


async def make_children(installation: Installation, estate: Estate, count: int) -> None:
    request = create.RunRequest(
        deployment_id=parse(estate.ids[Kind.DEPLOYMENT], kind=Kind.DEPLOYMENT),
        parent_task_run_id=parse(estate.ids[Kind.TASK_RUN], kind=Kind.TASK_RUN),
    )
    tenant = estate.tenant
    while count:
        some = min(count, create.MAX_BATCH)
        async with installation.database.tenant(tenant.owner, tenant.workspace_id) as work:
            await create.create_runs(work, [request] * some)
        count -= some


async def count_live(installation: Installation, estate: Estate) -> int:
    """Return how many runs of the workspace wait for an agent."""
    waiting = select(func.count()).where(work_items.c.phase == Phase.READY)
    tenant = estate.tenant
    async with installation.database.tenant(tenant.owner, tenant.workspace_id) as work:
        return (await work.execute(waiting)).scalar_one()


async def test_run_with_thousands_below_it_is_cancelled_in_batches(
    installation: Installation, estate: Estate, statements: list[str]
) -> None:
    before = await count_live(installation, estate)
    await make_children(installation, estate, CHILDREN)
    assert await count_live(installation, estate) == before + CHILDREN
    context = LoopContext(installation.database, installation.bus, Timers())
    run_id = estate.own_run["lease"]["runId"]
    statements.clear()

    answer = await mutate(estate.bound, "flowRunCancel", "flowRun { state { type } }", id=run_id)
    asked = len(statements)
    statements.clear()
    ended = await run_ends.run_once(context)

    assert answer["flowRun"]["state"]["type"] == "CANCELLED"
    assert asked < 40
    # Beside the many there is the subflow that the estate has in the run's process.
    assert ended == CHILDREN + 1
    batches = [one for one in statements if one.startswith("UPDATE run_ends")]
    assert len(batches) == -(-ended // cancels.BATCH)
    assert len(statements) < 20 * len(batches)
    # Once to find them, and once to find none that is left.
    assert len([one for one in statements if "recursive below" in one]) == 2
    assert await count_live(installation, estate) == before
    assert await run_ends.run_once(context) == 0
