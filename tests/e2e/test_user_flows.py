"""The flows of the documentation, each run three ways: in this process, reported, and by an agent.

All come to the same. The agent's runs are started at once, and looked at one after another.
"""

import asyncio
import importlib.util
import json
import sys
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal

from headgate.api import concurrency_limits, deployments, pauses
from headgate.api.deployments import DeploymentInput
from headgate.blocks.system import Secret
from headgate.engine.entrypoints import load_flow
from headgate.errors import HeadgateError
from headgate.reporting.batches import ArtifactReport, AssetReport, EventReport
from headgate.testing import Records, headgate_test_harness
from headgate_server.domain import ids
from tests.e2e.user_flow_cases import AGENT, CASES, Case, counted
from tests.fixtures import told_flows
from tests.fixtures.deadlines import eventually
from tests.fixtures.installation import Installation
from tests.fixtures.journeys import Journey, set_out
from tests.fixtures.shop_site import KEY, ShopSite, open_shop_site
from tests.fixtures.told_flows import file_of, outcome_of

pytestmark = pytest.mark.e2e

TOLD = Path(told_flows.__file__)
LEFT = {ArtifactReport: "artifacts", EventReport: "events", AssetReport: "materializations"}
by_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


@dataclass(frozen=True, slots=True)
class Shop:
    """The site that flows call, and the installation that hears of them."""

    site: ShopSite
    journey: Journey
    portal: BlockingPortal

    def call(self, function: Any, *args: Any, **options: Any) -> Any:
        """Await something on the journey's own loop."""

        async def awaited() -> Any:
            return await function(*args, **options)

        return self.portal.call(awaited)

    async def answer(self, case: Case, run_id: str | None) -> None:
        """Answer a run, or any run of the flow, once it waits."""

        async def waiting() -> Any:
            rows = await self.journey.records.rows(
                "select run.id from flow_runs run join flows on flows.id = flow_id "
                "where state_type = 'PAUSED' and flows.name = $1 and case when $2::uuid is null "
                "then deployment_id is null else run.id = $2 end",
                case.name.replace("_", "-"),
                None if run_id is None else self.journey.run_uuid(run_id),
            )
            return rows[0]["id"] if rows else None

        found = await eventually(waiting, within_seconds=30, what=f"{case.name} waits")
        shown = ids.show(ids.Kind.FLOW_RUN, found)
        await pauses.resume(self.journey.transport, flow_run_id=shown, input=case.answer)


@pytest.fixture(scope="module")
def shop(
    shared: Installation, portal: BlockingPortal, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Shop]:
    """A site, limits and a secret for the flows, and a task worker."""
    folder = tmp_path_factory.mktemp("flows")
    with open_shop_site() as site:
        journey = portal.call(lambda: set_out(shared, folder, pool="default"))
        found = Shop(site, journey, portal)
        for name, more in (("partner", {}), ("partner-rate", {"slotDecayPerSecond": 100})):
            found.call(
                concurrency_limits.upsert,
                journey.transport,
                workspace_id=journey.workspace_id,
                name=name,
                limit=2,
                **more,
            )
        with pytest.MonkeyPatch.context() as patched:
            report_to(shared, folder / "home", patched)
            Secret.model_validate({"value": KEY}).save("shop-key")
        command = [sys.executable, "-m", "headgate", "task", "serve"]
        worker = shared.start(
            "worker",
            [*command, f"{file_of('make_thumbnails')}:shrink"],
            HEADGATE_API_URL=shared.url,
            HEADGATE_API_KEY=shared.api_key,
            HEADGATE_WORKSPACE=shared.workspace,
            HEADGATE_HOME=str(folder / "home-worker"),
        )
        yield found
        assert worker.stop() == 0
        portal.call(journey.close)


@pytest.fixture(scope="module")
def agent_runs(shop: Shop) -> dict[str, str]:
    """A run of each flow through the agent, all started at once; their ids by flow."""
    journey = shop.journey
    started: dict[str, str] = {}
    for case in CASES:
        if not is_runnable(case):
            continue
        folder = journey.folder / case.name
        folder.mkdir()
        parameters = case.parameters("agent", folder=folder, site=shop.site.url)
        stored = shop.call(
            deployments.upsert,
            journey.transport,
            workspace_id=journey.workspace_id,
            deployment=DeploymentInput(
                flow_name=case.name.replace("_", "-"),
                name="documented",
                entrypoint=f"{TOLD}:{case.name}",
                parameters=parameters,
                work_pool_name=journey.pool,
                job_variables={"env": {"TEST_FOLDER": str(journey.folder)}},
            ),
        )
        started[case.name] = shop.call(journey.start, stored.deployment)
        if case.answer:
            shop.portal.start_task_soon(shop.answer, case, started[case.name])
    return started


def report_to(shared: Installation, home: Path, patched: pytest.MonkeyPatch) -> None:
    """Let this process report to the installation."""
    patched.setenv("HEADGATE_API_URL", shared.url)
    patched.setenv("HEADGATE_API_KEY", shared.api_key)
    patched.setenv("HEADGATE_WORKSPACE", shared.workspace)
    patched.setenv("HEADGATE_HOME", str(home))


def is_runnable(case: Case) -> bool:
    return not case.imports or importlib.util.find_spec(case.imports) is not None


def skip_without_libraries(case: Case) -> None:
    if not is_runnable(case):
        pytest.skip(f"{case.imports} is not installed here")


def run_here(case: Case, way: str, *, folder: Path, site: str) -> Any:
    """Run a flow in this process, and return its final state."""
    flow = load_flow(f"{file_of(case.name)}:{case.name}")
    state = flow(**case.parameters(way, folder=folder, site=site), return_state=True)
    return asyncio.run(state) if asyncio.iscoroutine(state) else state


def lacked(case: Case, way: str, *, folder: Path, site: str) -> str:
    """Run a flow where it cannot go on, and return what it says."""
    try:
        state = run_here(case, way, folder=folder, site=site)
    except HeadgateError as error:
        return str(error)
    assert state.is_failed()
    return state.message


def assert_recorded(shop: Shop, case: Case, run_id: str) -> None:
    """Hold what the server has of a run to what is expected."""
    tasks, flows, left = shop.call(recorded, shop.journey, case, run_id)
    assert tasks == counted(case.tasks)
    assert flows == counted(case.flows)
    assert left == case.left


async def recorded(journey: Journey, case: Case, run_id: str) -> tuple[Any, Any, dict[str, int]]:
    """Return the task runs, the flow runs below, and what is left, as the database has it."""
    uuid, rows = journey.run_uuid(run_id), journey.records.rows
    assert await journey.records.ended(run_id) == case.state
    below = await rows("select id, state_name from flow_runs where root_run_id = $1", uuid)
    runs = [uuid, *(row["id"] for row in below if row["id"] != uuid)]
    found = await rows(
        "select task_key, state_name from task_runs where flow_run_id = any($1)", runs
    )
    counts = {
        "artifacts": "select count(*) from artifacts where flow_run_id = any($1)",
        "materializations": "select count(*) from asset_materializations "
        "where flow_run_id = any($1)",
        "events": "select count(*) from (select id, name, related from events union "
        "select event_id, name, related from outbox) event where name like 'shop.%' "
        "and related::text like '%' || $1 || '%'",
    }
    left = {
        what: (await rows(sql, run_id if what == "events" else runs))[0]["count"]
        for what, sql in counts.items()
    }
    tasks = Counter(named(row["task_key"], row["state_name"]) for row in found)
    flows = Counter(row["state_name"] for row in below if row["id"] != uuid)
    return tasks, flows, {what: count for what, count in left.items() if count}


def named(task_key: str, state: str) -> str:
    return task_key if state == "Completed" else f"{task_key}:{state}"


def kept(runs: Records) -> dict[str, int]:
    """Return what a run in this process would have reported."""
    left: Counter[str] = Counter()
    for report in runs.reports:
        if isinstance(report, ArtifactReport) and report.is_update:
            continue
        left[LEFT[type(report)]] += len(report.events) if isinstance(report, EventReport) else 1
    return dict(left)


@by_case
def test_in_this_process(case: Case, tmp_path: Path) -> None:
    skip_without_libraries(case)
    with open_shop_site() as site, headgate_test_harness() as runs:
        if case.needs:
            said = lacked(case, "local", folder=tmp_path, site=site.url)
            assert "HEADGATE_API_URL" in said
            return
        state = run_here(case, "local", folder=tmp_path, site=site.url)

    assert outcome_of(state) == {"state": case.state, "result": case.result}
    tasks = Counter(named(run.task_key, run.state.name) for run in runs.task_runs)
    assert tasks == counted(case.tasks)
    assert Counter(runs.flow_state_names()[number][-1] for number in below(runs)) == counted(
        case.flows
    )
    assert kept(runs) == case.left
    check_told(case, site, way="local")


def below(runs: Records) -> range:
    """Return the numbers of the flow runs that are not the first."""
    return range(1, len(runs.flow_states))


@by_case
def test_against_a_server(
    case: Case,
    shop: Shop,
    shared: Installation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    agent_runs: dict[str, str],
) -> None:
    del agent_runs  # Under way meanwhile.
    skip_without_libraries(case)
    report_to(shared, tmp_path / "home", monkeypatch)
    site = shop.site.url
    if case.needs == AGENT:
        assert case.lacks in lacked(case, "server", folder=tmp_path, site=site)
        return
    if case.answer:
        shop.portal.start_task_soon(shop.answer, case, None)

    state = run_here(case, "server", folder=tmp_path, site=site)

    assert outcome_of(state) == {"state": case.state, "result": case.result}
    rows = shop.call(
        shop.journey.records.rows,
        "select run.id from flow_runs run join flows on flows.id = flow_id "
        "where deployment_id is null and parent_task_run_id is null and flows.name = $1",
        case.name.replace("_", "-"),
    )
    (run_id,) = [ids.show(ids.Kind.FLOW_RUN, row["id"]) for row in rows]
    assert_recorded(shop, case, run_id)
    check_told(case, shop.site, way="server")


@by_case
def test_through_an_agent(case: Case, shop: Shop, agent_runs: dict[str, str]) -> None:
    skip_without_libraries(case)
    run_id = agent_runs[case.name]

    assert shop.call(shop.journey.records.ended, run_id, within_seconds=60) == case.state
    outcome = json.loads((shop.journey.folder / run_id).read_text())
    assert outcome == {"state": case.state, "result": case.result}
    assert_recorded(shop, case, run_id)
    check_told(case, shop.site, way="agent")


def check_told(case: Case, site: ShopSite, *, way: str) -> None:
    """Hold what the webhook heard to what is expected."""
    told = [f"notify-failure is Failed: {case.result}"] if case.name == "notify_failure" else []
    assert [body["text"] for body in site.told[f"{case.name}-{way}"]] == told


def test_every_flow_of_the_documentation_is_run() -> None:
    assert sorted(path.stem for path in told_flows.FLOWS.glob("*.py")) == sorted(
        case.name for case in CASES
    )
