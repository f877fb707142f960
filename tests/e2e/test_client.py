"""The typed client of scripts, awaited and blocking, against a real server."""

import asyncio
import inspect
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headgate import deploy
from headgate.client import Client, SyncClient, get_client
from headgate.client.schemas.actions import (
    DeploymentScheduleCreate,
    DeploymentUpdate,
    GlobalConcurrencyLimitCreate,
    GlobalConcurrencyLimitUpdate,
    VariableCreate,
    VariableUpdate,
    WorkPoolCreate,
    WorkPoolUpdate,
)
from headgate.client.schemas.filters import (
    DeploymentFilter,
    FlowFilter,
    FlowRunFilter,
    LogFilter,
    TaskRunFilter,
    VariableFilter,
)
from headgate.client.schemas.schedules import CronSchedule, IntervalSchedule
from headgate.client.schemas.sorting import FlowRunSort
from headgate.concurrency.asyncio import concurrency
from headgate.deployments.runner import RunnerDeployment
from headgate.errors import ConflictError, NotFoundError, ParameterError, SettingsError
from headgate.events import emit_event
from headgate.events.filters import EventFilter
from headgate.exceptions import FlowRunWaitTimeout
from headgate.flow_runs import suspend_flow_run, wait_for_flow_run
from headgate.states import Completed, Failed, Scheduled
from tests.fixtures.deadlines import eventually
from tests.fixtures.installation import Installation
from tests.fixtures.journeys import FLOWS, Journey

pytestmark = pytest.mark.e2e


@pytest.fixture
def configured(shared: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is configured for the installation."""
    monkeypatch.setenv("HEADGATE_API_URL", shared.url)
    monkeypatch.setenv("HEADGATE_API_KEY", shared.api_key)
    monkeypatch.setenv("HEADGATE_WORKSPACE", shared.workspace)
    monkeypatch.setenv("HEADGATE_HOME", str(tmp_path / "home"))


@pytest.fixture
async def client(configured: None) -> AsyncGenerator[Client]:
    """A client of it."""
    async with get_client() as opened:
        yield opened


async def test_run_is_made_followed_and_read(journey: Journey, client: Client) -> None:
    stored = await journey.deploy("held")
    journey.open()
    deployment = await client.read_deployment_by_name(f"held/{stored.name}")
    made = await client.create_flow_run_from_deployment(deployment.id, name="by-a-script")
    ended = await wait_for_flow_run(made.id, timeout=30)

    run = await client.read_flow_run(made.id)
    tasks = await client.read_task_runs(made.id)
    named = await client.read_flow_runs(filter={"name": {"eq": "by-a-script"}})
    lines = await client.read_logs(made.id, limit=2)

    assert (run.state.name, run.name, run.deployment_id) == (
        "Completed",
        "by-a-script",
        stored.id,
    )
    assert ended.state.is_completed()
    assert run.start_time is not None
    assert run.end_time is not None
    assert run.total_run_time == run.end_time - run.start_time
    assert [task.task_key for task in tasks] == ["double", "double"]
    assert [one.id for one in named] == [made.id]
    assert [line.message for line in lines] == ["before the gate", "after the gate"]
    assert (await client.execute("{ serverInfo { version } }"))["serverInfo"]["version"]
    assert await client.api_healthcheck() is None
    assert [state.name for state in await client.read_flow_run_states(made.id)] == [
        "Scheduled",
        "Pending",
        "Running",
        "Completed",
    ]
    assert (await client.read_task_run_states(tasks[0].id))[-1].is_completed()

    await _check_filters(client, made.id, tasks[0].id)
    await client.delete_flow_run(made.id)
    with pytest.raises(NotFoundError):
        await client.read_flow_run(made.id)


async def _check_filters(client: Client, run_id: str, task_run_id: str) -> None:
    only = FlowRunFilter.model_validate(
        {"id": {"any_": [run_id]}, "state": {"name": {"any_": ["Completed"]}}}
    )
    other = FlowRunFilter.model_validate(
        {"id": {"any_": [run_id]}, "state": {"type": {"not_any_": ["COMPLETED"]}}}
    )
    log = LogFilter.model_validate(
        {"flow_run_id": {"any_": [run_id]}, "text": {"query": "AFTER"}, "level": {"ge_": 20}}
    )
    tasks = TaskRunFilter.model_validate({"id": {"any_": [task_run_id]}})

    assert [run.id for run in await client.read_flow_runs(flow_run_filter=only)] == [run_id]
    assert await client.read_flow_runs(flow_run_filter=other) == []
    assert len(await client.read_task_runs(flow_run_filter=only, limit=1, offset=1)) == 1
    assert [one.id for one in await client.read_task_runs(task_run_filter=tasks)] == [task_run_id]
    assert (await client.read_task_run(task_run_id)).state.is_completed()
    assert [line.message for line in await client.read_logs(log)] == ["after the gate"]
    with pytest.raises(ParameterError, match="Name one flow run"):
        await client.read_logs()


async def test_runs_are_sorted_and_corrected(lonely: Journey, client: Client) -> None:
    stored = await lonely.deploy("held")
    at = datetime(2030, 1, 1, tzinfo=UTC)
    for name, hours in (("b", 1), ("a", 2)):
        state = Scheduled(scheduled_time=at + timedelta(hours=hours))
        await client.create_flow_run_from_deployment(stored.id, name=name, state=state)
    mine = FlowRunFilter.model_validate({"deployment_id": {"any_": [stored.id]}})

    by_name = await client.read_flow_runs(flow_run_filter=mine, sort=FlowRunSort.NAME_ASC)
    by_time = await client.read_flow_runs(
        flow_run_filter=mine, sort=FlowRunSort.EXPECTED_START_TIME_ASC, limit=1
    )

    assert [run.name for run in by_name] == ["a", "b"]
    assert [(run.name, run.expected_start_time) for run in by_time] == [
        ("b", at + timedelta(hours=1))
    ]
    with pytest.raises(FlowRunWaitTimeout, match="did not end within"):
        await wait_for_flow_run(by_name[0].id, timeout=0.1)
    with pytest.raises(ParameterError, match="Only a flow itself asks"):
        await suspend_flow_run(int, flow_run_id=by_name[0].id)
    refused = await client.set_flow_run_state(by_name[0].id, Completed(message="known better"))
    forced = await client.set_flow_run_state(
        by_name[0].id, Completed(message="known better"), force=True
    )
    assert (refused.status.value, refused.state and refused.state.name) == ("ABORT", "Scheduled")
    assert (forced.status.value, forced.state and forced.state.message) == (
        "ACCEPT",
        "known better",
    )
    corrected = await client.set_flow_run_state(
        by_name[0].id, Failed(message="known worse"), force=True
    )
    told = await client.read_flow_run_states(by_name[0].id)
    assert corrected.status.value == "ACCEPT"
    assert [(state.name, state.message) for state in told[1:]] == [
        ("Completed", "known better"),
        ("Failed", "known worse"),
    ]
    await client.delete_flow_run(by_name[1].id)
    with pytest.raises(NotFoundError):
        await client.read_flow_run(by_name[1].id)


async def test_deployments_are_stored_changed_and_scheduled(
    lonely: Journey, client: Client
) -> None:
    entrypoint = f"{FLOWS}:held"
    both = [
        RunnerDeployment.from_entrypoint(
            entrypoint, f"{lonely.pool}-{name}", tags=["of-a-client"], parameters={"folder": "x"}
        )
        for name in ("one", "two")
    ]
    ids = await asyncio.to_thread(deploy, *both, work_pool_name=lonely.pool)

    tagged = DeploymentFilter.model_validate({"tags": {"all_": ["of-a-client"]}})
    held = FlowFilter.model_validate({"name": {"any_": ["held"]}})
    found = await client.read_deployments(deployment_filter=tagged, flow_filter=held)
    assert [one.id for one in found] == ids
    assert {one.work_pool_name for one in found} == {lonely.pool}
    flow = await client.read_flow(found[0].flow_id)
    assert flow == await client.read_flow_by_name("held")

    changed = await client.update_deployment(
        ids[0], DeploymentUpdate(description="changed", concurrency_limit=3)
    )
    assert (changed.description, changed.tags) == ("changed", ["of-a-client"])
    await client.set_deployment_paused_state(ids[0], paused=True)
    assert (await client.read_deployment(ids[0])).paused
    made = await client.create_deployment_schedules(
        ids[0],
        [
            DeploymentScheduleCreate(schedule=CronSchedule("0 6 * * *"), slug="daily"),
            (IntervalSchedule(timedelta(hours=1)), False),
        ],
    )
    assert [(one.slug, one.active) for one in made] == [("daily", True), ("schedule-2", False)]
    await client.update_deployment_schedule(ids[0], made[1].id, active=True)
    await client.delete_deployment_schedule(ids[0], made[0].id)
    (left,) = await client.read_deployment_schedules(ids[0])
    assert (left.slug, left.active, left.spec["every"]) == ("schedule-2", True, "PT3600S")
    for id_ in ids:
        await client.delete_deployment(id_)
    with pytest.raises(NotFoundError):
        await client.read_deployment(ids[0])


async def test_pools_and_limits_are_made_changed_and_deleted(
    journey: Journey, client: Client
) -> None:
    name = f"{journey.folder.name}-pool"
    made = await client.create_work_pool(WorkPoolCreate(name=name, concurrency_limit=2))
    with pytest.raises(ConflictError, match="say overwrite=True"):
        await client.create_work_pool(WorkPoolCreate(name=name))
    paused = await client.update_work_pool(name, WorkPoolUpdate(is_paused=True))
    assert (made.concurrency_limit, paused.is_paused, paused.concurrency_limit) == (2, True, 2)
    queue = await client.read_work_queue_by_name("default", work_pool_name=name)
    assert [queue] == await client.read_work_queues(name)
    assert await client.read_workers_for_work_pool(name) == []
    await client.delete_work_pool(name)

    limit = f"{name}-limit"
    await client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=limit, limit=2))
    await client.update_global_concurrency_limit(limit, GlobalConcurrencyLimitUpdate(limit=3))
    run_id = await journey.run("held")
    await journey.executed(run_id)
    async with concurrency(limit, strict=True, holder={"type": "flow_run", "id": run_id}):
        held = await client.read_global_concurrency_limit_by_name(limit)
    journey.open()
    assert (held.limit, held.active) == (3, 1)
    assert [holder.run and holder.run.id for holder in held.holders] == [run_id]
    await client.delete_global_concurrency_limit_by_name(limit)
    await client.create_concurrency_limit(tag=name, concurrency_limit=4)
    assert (await client.read_concurrency_limit_by_tag(name)).limit == 4
    await client.delete_concurrency_limit_by_tag(name)
    with pytest.raises(NotFoundError):
        await client.read_concurrency_limit_by_tag(name)


async def test_variables_and_events_are_kept(journey: Journey, client: Client) -> None:
    name = journey.folder.name.replace("-", "_")
    await client.create_variable(VariableCreate(name=name, value={"a": 1}, tags=[name]))
    with pytest.raises(ConflictError):
        await client.create_variable(VariableCreate(name=name, value=2))
    await client.update_variable(VariableUpdate(name=name, value=[2]))
    tagged = VariableFilter.model_validate({"tags": {"any_": [name]}})
    assert [one.value for one in await client.read_variables(variable_filter=tagged)] == [[2]]
    await client.delete_variable_by_name(name)
    assert await client.read_variable_by_name(name) is None

    first = await asyncio.to_thread(emit_event, "acme.told", {"id": name})
    told = await asyncio.to_thread(emit_event, "acme.told", {"id": name})
    wanted = EventFilter.model_validate(
        {"event": {"prefix": ["acme."]}, "resource": {"id": [name]}}
    )

    async def known() -> bool:
        return len(await client.read_events(wanted)) == 2

    await eventually(known, within_seconds=10, what="The events")
    page = await client.read_events(wanted, limit=1)
    rest = await page.get_next_page(client)
    assert rest is not None
    assert [one.id for one in (*page, *rest)] == [told.id, first.id]
    assert await rest.get_next_page(client) is None
    assert await client.read_latest_artifacts(limit=1) == await client.read_artifacts(limit=1)


@pytest.mark.usefixtures("configured")
def test_blocking_client_has_every_method_and_waits() -> None:
    with get_client(sync_client=True) as client:
        pools = client.read_work_pools()
        with pytest.raises(NotFoundError, match="There is no deployment 'no/such'"):
            client.read_deployment_by_name("no/such")

    assert "default" in [pool.name for pool in pools]
    public = {name for name, _ in inspect.getmembers(Client, inspect.iscoroutinefunction)}
    assert {name for name in public if not name.startswith("_")} <= set(dir(SyncClient))


def test_client_without_a_server_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADGATE_API_URL", "")
    monkeypatch.setenv("HEADGATE_WORKSPACE", "acme/prod")

    with pytest.raises(SettingsError, match="No server is configured"):
        get_client()
