"""Cached and kept results of tasks, in local mode."""

import asyncio
import logging
import threading
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from headgate import Task, flow, task
from headgate.cache_policies import DEFAULT, INPUTS, NO_CACHE, TASK_SOURCE
from headgate.engine.context import current_flow_run
from headgate.errors import ResultError, SettingsError
from headgate.states import Completed, State
from headgate.tasks import task_input_hash
from tests.client.engine.conftest import FrozenClock

calls: list[Any] = []


@pytest.fixture(autouse=True)
def no_calls() -> Generator[None]:
    """Every test counts its own."""
    calls.clear()
    yield
    calls.clear()


def double(x: int) -> int:
    calls.append(x)
    return 2 * x


def one_key(*_: Any) -> str:
    return "k"


def names(*states: State[Any]) -> list[str]:
    return [state.name for state in states]


def test_result_is_found_by_another_call_with_the_same_inputs(home: Path) -> None:
    cached = task(cache_policy=INPUTS)(double)

    first, second, other = (cached(x, return_state=True) for x in (1, 1, 2))

    assert names(first, second, other) == ["Completed", "Cached", "Completed"]
    assert (second.type.value, second.result()) == ("COMPLETED", 2)
    assert calls == [1, 2]
    assert len([path for path in (home / "results/cache").rglob("*") if path.is_file()]) == 2


def test_without_a_policy_nothing_is_kept(home: Path) -> None:
    plain = task(double)

    assert names(plain(1, return_state=True), plain(1, return_state=True)) == ["Completed"] * 2
    assert not (home / "results").exists()


async def test_coroutine_is_cached() -> None:
    @task(cache_policy=INPUTS)
    async def fetch(x: int) -> set[int]:
        calls.append(x)
        return {x}

    first, second = await fetch(1, return_state=True), await fetch(1, return_state=True)

    assert names(first, second) == ["Completed", "Cached"]
    assert await second.result() == {1}


def test_two_tasks_do_not_share_a_result() -> None:
    @task(cache_policy=INPUTS)
    def triple(x: int) -> int:
        return 3 * x

    assert (task(cache_policy=INPUTS)(double)(1), triple(1)) == (2, 3)


def test_tasks_share_the_key_that_a_function_makes() -> None:
    one = task(cache_key_fn=lambda context, parameters: "shared")(double)
    other = task(cache_key_fn=lambda context, parameters: "shared", name="other")(double)

    assert (one(1), other(5)) == (2, 2)


def test_key_function_knows_the_task_and_its_run() -> None:
    seen: list[Any] = []

    def key(context: Any, parameters: dict[str, Any]) -> str | None:
        seen.append((context.task.name, context.task_run.flow_run_id, parameters))
        return None

    @flow
    def outer() -> str | None:
        task(cache_key_fn=key)(double)(3)
        context = current_flow_run.get()
        return context.run.id if context else None

    assert seen == [("double", outer(), {"x": 3})]
    assert task_input_hash.__name__ == "task_input_hash"


def test_default_policy_is_of_one_run() -> None:
    kept = task(persist_result=True)(double)

    @flow
    def twice() -> list[str]:
        return names(kept(1, return_state=True), kept(1, return_state=True))

    assert [twice(), twice()] == [["Completed", "Cached"]] * 2
    assert calls == [1, 1]


def test_changed_source_is_computed_again() -> None:
    def body(source: str) -> Task[..., int]:
        scope: dict[str, Any] = {}
        exec(f"def f():\n    return {source}", scope)  # noqa: S102 - what is tested: other code
        return Task(scope["f"], cache_policy=TASK_SOURCE)

    assert [body("1")(), body("2")(), body("1")()] == [1, 2, 1]


def test_expired_result_is_computed_again(clock: FrozenClock) -> None:
    cached = task(cache_policy=INPUTS, cache_expiration=timedelta(seconds=10))(double)
    cached(1)
    clock.sleep(9)
    early = cached(1, return_state=True)
    clock.sleep(2)

    assert names(early, cached(1, return_state=True)) == ["Cached", "Completed"]
    assert names(cached(1, return_state=True)) == ["Cached"]


def test_refreshed_result_replaces_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    results = iter(range(10))
    cached = task(cache_policy=INPUTS)(lambda: next(results))
    keyed = cached.with_options(cache_key_fn=one_key)

    assert [keyed(), keyed.with_options(refresh_cache=True)(), keyed()] == [0, 1, 1]
    monkeypatch.setenv("HEADGATE_REFRESH_CACHE", "true")
    assert [keyed(), keyed.with_options(refresh_cache=False)()] == [2, 2]


def test_cached_run_calls_its_completion_hooks_and_takes_its_name() -> None:
    ends: list[Any] = []

    def note(_: Any, run: Any, state: State[Any]) -> None:
        ends.append((run.name, state.name, run.attempt))

    def note_running(*_: Any) -> None:
        ends.append("running")

    cached = task(
        cache_policy=INPUTS,
        task_run_name="double-{x}",
        on_completion=[note],
        on_running=[note_running],
    )(double)

    cached(1)
    cached(1)

    assert ends == ["running", ("double-1", "Completed", 1), ("double-1", "Cached", 0)]


def test_failure_is_not_kept() -> None:
    @task(cache_policy=INPUTS, retries=1)
    def flaky(x: int) -> int:
        calls.append(x)
        if len(calls) < 2:
            raise ValueError
        return x

    assert names(flaky(1, return_state=True), flaky(1, return_state=True)) == [
        "Completed",
        "Cached",
    ]
    assert calls == [1, 1]


def test_result_of_a_state_and_none_are_kept() -> None:
    @task(cache_policy=INPUTS)
    def nothing(x: int) -> None:
        calls.append(x)

    @task(cache_policy=INPUTS)
    def state(x: int) -> State[int]:
        calls.append(x)
        return Completed(data=x, name="Good")

    for one in (nothing, state):
        assert one(1, return_state=True).result() == one(1, return_state=True).result()
    assert calls == [1, 1]


def test_submitted_and_mapped_tasks_are_cached() -> None:
    cached = task(cache_policy=INPUTS)(double)

    @flow
    def outer() -> tuple[list[int], list[str]]:
        results = cached.map([1, 2, 3]).result()
        again = cached.map([1, 2, 3])
        again.wait()
        return results, names(*(future.state for future in again))

    assert outer() == ([2, 4, 6], ["Cached"] * 3)


def test_items_of_a_generator_are_kept_where_they_are_collected() -> None:
    @task(cache_policy=INPUTS)
    def items(n: int) -> Generator[int]:
        calls.append(n)
        yield from range(n)

    assert names(items(3, return_state=True), items(3, return_state=True)) == [
        "Completed",
        "Cached",
    ]
    assert list(items(3)) == [0, 1, 2]
    assert calls == [3, 3]


@pytest.mark.parametrize("name", ["double-{x}.bin", "{parameters[x]}/double"])
def test_storage_key_is_the_path_of_the_result(tmp_path: Path, name: str) -> None:
    kept = task(result_storage_key=name, result_storage=tmp_path)(double)

    assert names(kept(7, return_state=True), kept(7, return_state=True)) == [
        "Completed",
        "Cached",
    ]
    assert len([path for path in tmp_path.rglob("*") if path.is_file() and "7" in str(path)]) == 1


def test_storage_key_says_whatever_the_runtime_knows(tmp_path: Path) -> None:
    key = "{flow_run.name}/{task_run.task_name}/{task_run.map_index}-{parameters[x]}"
    kept = task(result_storage_key=key, result_storage=tmp_path)(double)

    @flow(flow_run_name="nightly")
    def outer() -> str:
        kept(7)
        return kept.with_options(result_storage_key="{task_name}-{deployment}")(
            8, return_state=True
        ).name

    assert outer() == "Completed"
    found = {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert found == {"nightly/double/None-7", "double-None"}


def test_tasks_take_what_their_flow_says(tmp_path: Path) -> None:
    plain = task(double)

    @flow(persist_result=True, result_storage=tmp_path, result_serializer="json")
    def outer() -> list[str]:
        own = plain.with_options(persist_result=False)
        states = [one(1, return_state=True) for one in (plain, plain, own)]
        return names(*states)

    assert outer() == ["Completed", "Cached", "Completed"]
    (kept,) = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert b'"serializer":"json"' in kept.read_bytes()
    assert kept.read_bytes().endswith(b"\n2")


def test_settings_say_where_results_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_PERSIST_RESULTS", "true")
    monkeypatch.setenv("HEADGATE_RESULT_STORAGE", str(tmp_path / "there"))
    monkeypatch.setenv("HEADGATE_RESULT_SERIALIZER", "json")

    task(double)(1)

    (kept,) = [path for path in (tmp_path / "there").rglob("*") if path.is_file()]
    assert kept.read_bytes().endswith(b"\n2")


def test_result_that_cannot_be_kept_fails_its_task_and_says_what_to_do() -> None:
    @task(cache_policy=INPUTS)
    def locked() -> threading.Lock:
        return threading.Lock()

    state = locked.with_options(cache_key_fn=one_key)(return_state=True)

    assert state.message == (
        "The result of task 'locked' cannot be kept: cannot pickle '_thread.lock' object. Return "
        "something that can be stored, choose another result_serializer, or turn persistence off: "
        "@task(persist_result=False)"
    )
    with pytest.raises(ResultError):
        state.result()


def test_storage_that_takes_nothing_fails_the_task(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")

    state = task(cache_policy=INPUTS, result_storage=tmp_path / "file")(double)(
        1, return_state=True
    )

    assert state.message is not None
    assert "cannot be kept" in state.message
    assert "see that it can be written" in state.message


def test_spoilt_result_is_computed_again(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    cached = task(cache_policy=INPUTS)(double)
    cached(1)
    for path in (home / "results/cache").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-1])

    with caplog.at_level(logging.WARNING):
        assert names(cached(1, return_state=True)) == ["Completed"]

    assert "checksum is another" in caplog.text
    assert names(cached(1, return_state=True)) == ["Cached"]


def test_key_that_cannot_be_made_leaves_the_task_without_a_cache(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @task(cache_policy=DEFAULT)
    def hold(lock: threading.Lock) -> int:
        return 1

    with caplog.at_level(logging.ERROR):
        assert names(hold(threading.Lock(), return_state=True)) == ["Completed"]

    assert "The argument 'lock' cannot be hashed" in caplog.text


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"cache_policy": "INPUTS"}, TypeError),
        ({"cache_expiration": timedelta(0)}, ValueError),
        ({"result_serializer": "yaml"}, ValueError),
        ({"result_storage": "results"}, SettingsError),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        task(**options)(double)


def test_no_cache_and_no_persistence_turn_it_off() -> None:
    for off in (
        task(cache_policy=NO_CACHE)(double),
        task(cache_policy=INPUTS, persist_result=False)(double),
    ):
        assert names(off(1, return_state=True), off(1, return_state=True)) == ["Completed"] * 2
    assert calls == [1] * 4


def test_cached_tasks_work_where_an_event_loop_runs(tmp_path: Path) -> None:
    cached = task(cache_policy=INPUTS, result_storage=tmp_path)(double)

    @flow
    async def outer() -> list[str]:
        await asyncio.sleep(0)
        return names(cached(1, return_state=True), cached(1, return_state=True))

    assert asyncio.run(outer()) == ["Completed", "Cached"]
