"""A small world under a sample of everything that ``make chaos`` does to a large one."""

import pytest

from tests.chaos import nemesis as faults
from tests.chaos.fault_points import FAULT_POINTS, Action
from tests.chaos.nemesis import Fault, Nemesis
from tests.chaos.scenarios import Scenario, at_points, run, storm
from tests.chaos.world import Plan
from tests.fixtures.proxy import Moment

SMALL = Plan(apis=2, schedulers=2, agents=2)
SAMPLE: dict[Fault, int] = {
    faults.kill_server: 1,
    faults.kill_child: 1,
    faults.cut_links: 1,
    faults.terminate_backends: 1,
    faults.flush_redis: 1,
}
POINTS = tuple(
    point
    for point in FAULT_POINTS
    if point.moment is not Moment.BEFORE
    and point.operation in {"FlowRunSetState", "RunClaim", "create_runs", "insert_fires"}
)


@pytest.mark.e2e
@pytest.mark.timeout(300)
async def test_a_sampled_run_keeps_every_promise() -> None:
    async def breaks(nemesis: Nemesis) -> dict[str, int]:
        hit = await at_points(Action.CUT, points=POINTS)(nemesis)
        return {**hit, **await storm(SAMPLE, seconds=8)(nemesis)}

    report = await run(Scenario("sampled", breaks, SMALL), seed=1)

    assert report.verdict.is_well, (report.line(), report.logs)
    assert report.figures["hit"] == len(POINTS)
    assert report.figures["faults"] >= len(POINTS) + 4
    assert report.figures["fires"] >= 5
