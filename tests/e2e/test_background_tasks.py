"""Background tasks through an API and task workers, each a process of its own."""

import asyncio
import json
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from headgate.api import background_tasks, concurrency_limits
from headgate.api.background import background_loop
from headgate.concurrency.sync import concurrency
from headgate.engine.places import current_place
from headgate.engine.sessions import find_workspace_id
from headgate.errors import CancelledRun, ResultError, SettingsError
from headgate.futures import Future
from headgate.redaction import redactor
from headgate.settings import load_settings
from headgate_server.domain.ids import Kind, parse
from tests.fixtures import user_tasks
from tests.fixtures.deadlines import eventually_sync
from tests.fixtures.installation import Installation
from tests.fixtures.journeys import Journey
from tests.fixtures.leashed import Leashed
from tests.fixtures.sql import query

pytestmark = pytest.mark.e2e

TASKS = Path(user_tasks.__file__)
PLAIN = ("echo", "echo_async", "fails", "unkept", "unstored", "third_time", "talks")
ASKED_LONG_AGO = (
    "update background_tasks set cancel_requested_at = now() - interval '1 hour' where id = '{id}'"
)
IS_OFFERED = "select token is not null from background_tasks where id = '{id}'"


def start_worker(
    installation: Installation, *names: str, limit: int = 10, grace: float = 30.0
) -> Leashed:
    """Start a task worker; it takes calls as soon as it can."""
    return installation.start_task_worker(
        *(f"{TASKS}:{name}" for name in names),
        home=installation.folder / "home-tasks",
        limit=limit,
        grace=grace,
    )


@pytest.fixture(autouse=True)
def caller(shared: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process calls as a user's does, and shares the storage of the workers."""
    monkeypatch.setenv("HEADGATE_API_URL", shared.url)
    monkeypatch.setenv("HEADGATE_API_KEY", shared.api_key)
    monkeypatch.setenv("HEADGATE_WORKSPACE", shared.workspace)
    monkeypatch.setenv("HEADGATE_HOME", str(shared.folder / "home-tasks"))


@pytest.fixture(scope="module")
def worker(shared: Installation) -> Generator[Leashed]:
    """One worker for the tasks that end by themselves."""
    process = start_worker(shared, *PLAIN)
    yield process
    assert process.stop() == 0


def calls(folder: Path, *, count: int) -> list[tuple[str, int]]:
    """Return what ran, with the process in which it did, once there is so much."""

    def lines() -> list[tuple[str, int]]:
        path = folder / "calls"
        text = path.read_text() if path.exists() else ""
        return [(what, int(pid)) for what, pid in map(str.split, text.splitlines())]

    eventually_sync(lambda: len(lines()) >= count, within_seconds=30, what=f"{count} calls")
    return lines()


def hold(task: Any, folder: Path, *, count: int) -> list[Future[int]]:
    return [task.delay(str(folder), number) for number in range(count)]


def cancel(future: Future[Any]) -> None:
    """Ask for the end of a call, as a person does."""

    async def ask() -> None:
        place = current_place()
        workspace_id = await find_workspace_id(load_settings(), transport=place.transport)
        await background_tasks.cancel(
            place.transport, workspace_id=workspace_id, id=future.task_run_id
        )

    background_loop().run(ask())


def headgate(*command: str, output: bool = True) -> Any:
    """Run a command on background tasks, and return what it says as JSON."""
    printed = _printed(*command, *(["--output", "json"] if output else []))
    return json.loads(printed) if output else None


def _printed(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "headgate", "background-tasks", *command],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    "value",
    [
        None,
        {"a": [1, 2.5, "ü", None, True]},
        (1, {2}),
        2**70,
        1e300,
        "\0",
        "x" * 200_000,
        user_tasks.Point(3),
    ],
    ids=["none", "json", "tuple", "big", "float", "nul", "long", "object"],
)
def test_values_come_back_as_they_were(value: Any) -> None:
    result = user_tasks.echo.delay(value).result(timeout=30)

    assert (type(result), result) == (type(value), value)


@pytest.mark.usefixtures("worker")
def test_call_is_listed_logged_queued_again_and_cancelled_by_command(
    shared: Installation, tmp_path: Path
) -> None:
    future = user_tasks.talks.delay(str(tmp_path), 3)
    assert future.result(timeout=30) == 3

    (row,) = [row for row in headgate("list", "--task", "talks") if row["id"] == future.task_run_id]
    shown = headgate("inspect", future.task_run_id)
    first = [line["message"] for line in headgate("logs", future.task_run_id)]
    headgate("retry", future.task_run_id, output=False)
    calls(tmp_path, count=2)
    eventually_sync(
        lambda: headgate("inspect", future.task_run_id)["stateName"] == "Completed",
        within_seconds=20,
        what="the second attempt",
    )
    both = [line["epoch"] for line in headgate("logs", future.task_run_id)]
    states = headgate("inspect", future.task_run_id)["states"]
    told = _printed("inspect", future.task_run_id)

    once = ["Scheduled", "Pending", "Running", "Completed"]
    assert [state["name"] for state in states] == once * 2
    assert [state["epoch"] for state in states] == [0, 1, 1, 1, 1, 2, 2, 2]
    assert re.findall(r"(\w+) [0-9.]+ s ago, attempt 2", told) == once[1:]
    assert (row["stateName"], shown["result"]) == ("Completed", {"value": 3})
    assert first == ["line 0", "line 1", "line 2"]
    assert both == [1] * 3 + [2] * 3


@pytest.mark.usefixtures("worker")
async def test_coroutines_queue_and_await_calls() -> None:
    future = user_tasks.echo_async.delay(5)

    assert await future.result_async() == 5
    assert (future.state.name, future.is_done) == ("Completed", True)


@pytest.mark.usefixtures("worker")
def test_failure_is_raised_where_somebody_waits() -> None:
    future = user_tasks.fails.delay("no luck")

    with pytest.raises(ValueError, match="no luck"):
        future.result(timeout=30)
    (line,) = headgate("logs", future.task_run_id)
    assert future.state.is_failed()
    assert line["message"].startswith("Attempt 1 failed\nTraceback")


@pytest.mark.usefixtures("worker")
def test_secret_that_a_worker_is_handed_is_masked_there() -> None:
    secret = "parrot-4b1d-in-the-background"
    redactor.add([secret, 8_812_409])
    future = user_tasks.fails.delay(f"no {secret}")
    fails: Any = user_tasks.fails
    number = fails.delay(8_812_409)

    for one in (future, number):
        with pytest.raises(ValueError, match=r"8812409|parrot"):
            one.result(timeout=30)
        (line,) = headgate("logs", one.task_run_id)
        told = repr(headgate("inspect", one.task_run_id)) + line["message"]
        assert "ValueError" in told
        assert "********" in told
        assert not [plain for plain in (secret, "8812409") if plain in told]


@pytest.mark.usefixtures("worker")
def test_result_that_cannot_be_kept_says_so() -> None:
    state = user_tasks.unkept.apply_async()
    state.wait(30)

    assert state.state.is_failed()
    assert "cannot pickle '_thread.lock' object" in str(state.state.message)


@pytest.mark.usefixtures("worker")
def test_result_that_its_storage_refuses_says_so_and_the_code_ran_once(tmp_path: Path) -> None:
    future = user_tasks.unstored.delay(str(tmp_path))
    future.wait(30)

    assert future.state.is_failed()
    assert "AccessDenied" in str(future.state.message)
    assert len(calls(tmp_path, count=1)) == 1


def test_arguments_that_cannot_be_sent_say_so() -> None:
    with pytest.raises(ResultError, match="arguments of task 'echo' cannot be sent"):
        user_tasks.echo.delay(line for line in ())


def test_without_a_server_nothing_is_queued(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADGATE_API_URL", "")

    with pytest.raises(SettingsError, match="HEADGATE_API_URL"):
        user_tasks.echo.delay(1)


@pytest.mark.usefixtures("worker")
def test_call_is_retried_in_its_worker(tmp_path: Path) -> None:
    assert user_tasks.third_time.delay(str(tmp_path)).result(timeout=30) == 3

    assert len(calls(tmp_path, count=3)) == 3


@pytest.mark.usefixtures("worker")
async def test_run_queues_calls_with_its_own_token(journey: Journey) -> None:
    run_id = await journey.start(await journey.deploy("delegates", file=TASKS))

    assert await journey.records.ended(run_id) == "Completed"


def test_calls_of_a_killed_worker_run_once_more(shared: Installation, tmp_path: Path) -> None:
    first = start_worker(shared, "killed", limit=2)
    futures = hold(user_tasks.killed, tmp_path, count=3)
    begun = calls(tmp_path, count=2)
    second = start_worker(shared, "killed", limit=3)
    calls(tmp_path, count=3)

    first.kill()
    calls(tmp_path, count=5)
    (tmp_path / "open").touch()

    assert [future.result(timeout=30) for future in futures] == [0, 1, 2]
    ran = calls(tmp_path, count=5)
    assert sorted(what for what, _ in ran) == ["0", "0", "1", "1", "2"]
    assert {pid for _, pid in begun} == {first.pid}
    assert [pid for _, pid in ran].count(second.pid) == 3
    assert second.stop() == 0


def test_two_workers_share_and_never_run_more_than_they_may(
    shared: Installation, tmp_path: Path
) -> None:
    workers = [start_worker(shared, "shared", limit=2) for _ in range(2)]
    futures = hold(user_tasks.shared, tmp_path, count=9)

    held = calls(tmp_path, count=4)
    (tmp_path / "open").touch()

    assert sorted(future.result(timeout=30) for future in futures) == list(range(9))
    assert len(held) == 4
    assert {pid for _, pid in held} == {worker.pid for worker in workers}
    assert sorted(int(what) for what, _ in calls(tmp_path, count=9)) == list(range(9))
    assert [worker.stop() for worker in workers] == [0, 0]


def waiting_calls(limit: str) -> list[str]:
    """Return the calls that wait for slots of a limit, by name, in the order of the line."""
    place = current_place()
    looking = concurrency_limits.find(
        place.transport, organization=place.organization, workspace=place.workspace, name=limit
    )
    found = background_loop().submit(looking).result(30)
    assert found is not None
    return [one.background_task.name for one in found.waiters if one.background_task]


def test_limits_of_tags_bind_calls_as_they_bind_tasks_of_runs(
    shared: Installation, tmp_path: Path
) -> None:
    create = ["concurrency-limits", "create", "ledger", "--limit", "1", "--tag", "ledger"]
    subprocess.run([sys.executable, "-m", "headgate", *create], check=True)
    worker = start_worker(shared, "tagged", limit=3)
    with concurrency("ledger"):
        futures = hold(user_tasks.tagged, tmp_path, count=3)
        eventually_sync(
            lambda: len(waiting_calls("ledger")) == 3, within_seconds=30, what="all wait by name"
        )

    results = [future.result(timeout=60) for future in futures]
    lines = [line.split()[0] for line in (tmp_path / "calls").read_text().splitlines()]

    assert results == [0, 1, 2]
    assert lines[::2] == ["begins"] * 3
    assert lines[1::2] == ["ends"] * 3
    assert worker.stop() == 0


def test_worker_that_drains_ends_what_runs_and_takes_nothing(
    shared: Installation, tmp_path: Path
) -> None:
    first = start_worker(shared, "drained", limit=2)
    futures = hold(user_tasks.drained, tmp_path, count=3)
    calls(tmp_path, count=2)

    first.signal(signal.SIGTERM)
    eventually_sync(lambda: "Draining" in first.log, within_seconds=30, what="the drain")
    (tmp_path / "open").touch()

    assert first.wait() == 0
    ended = [future for future in futures if future.result is not None and future.is_done]
    assert len(calls(tmp_path, count=2)) == 2
    second = start_worker(shared, "drained")
    assert [future.result(timeout=30) for future in futures] == [0, 1, 2]
    assert len(ended) <= 2
    assert second.stop() == 0


def test_worker_that_may_not_wait_gives_back_what_runs(
    shared: Installation, tmp_path: Path
) -> None:
    first = start_worker(shared, "drained", grace=0.1)
    (future,) = hold(user_tasks.drained, tmp_path, count=1)
    calls(tmp_path, count=1)
    second = start_worker(shared, "drained")

    assert first.stop() == 0
    ran = calls(tmp_path, count=2)
    (tmp_path / "open").touch()

    assert future.result(timeout=30) == 0
    assert [pid for _, pid in ran] == [first.pid, second.pid]
    assert second.stop() == 0


def test_running_call_is_cancelled(shared: Installation, tmp_path: Path) -> None:
    worker = start_worker(shared, "cancelled")
    (future,) = hold(user_tasks.cancelled, tmp_path, count=1)
    calls(tmp_path, count=1)

    cancel(future)

    with pytest.raises(CancelledRun):
        future.result(timeout=30)
    assert worker.stop() == 0


def test_code_that_has_no_thread_yet_is_not_begun_and_can_be_cancelled(
    shared: Installation, tmp_path: Path
) -> None:
    worker = start_worker(shared, "stubborn", limit=1)
    (first,) = hold(user_tasks.stubborn, tmp_path, count=1)
    calls(tmp_path, count=1)
    cancel(first)
    asyncio.run(query(shared.urls.owner, ASKED_LONG_AGO.format(id=own_id(first))))
    first.wait(30)
    assert first.state.is_cancelled()

    (second,) = hold(user_tasks.stubborn, tmp_path, count=1)
    is_offered = IS_OFFERED.format(id=own_id(second))
    eventually_sync(
        lambda: asyncio.run(query(shared.urls.owner, is_offered)),
        within_seconds=30,
        what="the second call is offered",
    )
    assert not second.state.is_running()
    cancel(second)
    second.wait(30)
    (tmp_path / "open").touch()
    third = user_tasks.stubborn.delay(str(tmp_path), 3)

    assert third.result(timeout=30) == 3
    assert [what for what, _ in calls(tmp_path, count=2)] == ["0", "3"]
    assert worker.stop() == 0


def own_id(future: Future[Any]) -> UUID:
    return parse(future.task_run_id, kind=Kind.BACKGROUND_TASK)
