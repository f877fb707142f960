"""Results that are kept for the run itself, and cached ones that only one run computes."""

import logging
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from headgate import flow, task
from headgate.cache_policies import INPUTS, NO_CACHE, RUN_ID, CachePolicy
from headgate.engine.context import current_flow_run
from headgate.locking.memory import MemoryLockManager
from headgate.results.kept import KeptResults
from headgate.specs import JobReuse
from headgate.states import State

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


def names(*states: State[Any]) -> list[str]:
    return [state.name for state in states]


class Continued:
    """A flow as an agent's process runs it, attempt after attempt."""

    def __init__(self) -> None:
        self.is_broken = True

    def run(self, reuse: JobReuse | None) -> list[str]:
        """Return the states of its tasks in one attempt."""
        states: list[State[Any]] = []

        @flow
        def outer() -> None:
            context = current_flow_run.get()
            assert context is not None
            context.kept = KeptResults("run_1", reuse=reuse)
            states.append(plain(1, return_state=True))
            states.append(plain(1, return_state=True))
            states.append(ends(self.is_broken, return_state=True))
            states.append(never(1, return_state=True))
            keys.append([*map(key_of, states)])

        keys: list[list[str | None]] = []
        runs: dict[int, Any] = {}

        def note(_: Any, run: Any, state: State[Any]) -> None:
            runs[id(state)] = run.cache_key

        def key_of(state: State[Any]) -> str | None:
            return runs.get(id(state))

        plain = task(on_completion=[note])(double)
        never = task(cache_policy=NO_CACHE, on_completion=[note])(double)

        @task(on_completion=[note])
        def ends(is_broken: bool) -> int:  # noqa: FBT001 - an input like others
            calls.append("ends")
            if is_broken:
                raise ValueError
            return 1

        outer()
        self.keys = keys[0]
        return names(*states)


def test_run_that_goes_on_takes_what_it_kept() -> None:
    run = Continued()

    first = run.run(None)
    anew = run.run(JobReuse(kept=False))
    run.is_broken = False
    calls.clear()
    on = run.run(JobReuse(kept=True))

    assert first == anew == ["Completed", "Completed", "Failed", "Completed"]
    assert on == ["Cached", "Cached", "Completed", "Completed"]
    assert calls == ["ends", 1]


def test_run_that_began_anew_and_comes_back_takes_what_it_kept_since() -> None:
    run = Continued()
    run.run(None)

    back = run.run(JobReuse(kept=True, since=5))
    again = run.run(JobReuse(kept=True, since=5))

    assert back[:2] == ["Completed", "Completed"]
    assert again[:2] == ["Cached", "Cached"]


def test_what_was_cached_for_the_run_alone_counts_since_it_began_anew() -> None:
    states: list[str] = []

    @task(cache_policy=RUN_ID)
    def once() -> int:
        return 1

    @flow
    def outer(reuse: JobReuse | None) -> None:
        context = current_flow_run.get()
        assert context is not None
        context.run.id = "run_1"
        context.kept = KeptResults("run_1", reuse=reuse)
        states.append(once(return_state=True).name)

    outer(None)
    outer(JobReuse(kept=False, since=5))
    outer(JobReuse(kept=True, since=5))

    assert states == ["Completed", "Completed", "Cached"]


def test_task_that_is_chosen_is_done_again() -> None:
    run = Continued()
    run.run(None)
    one, other, _, none = run.keys
    assert one is not None
    assert other is not None
    assert one.startswith("kept:")
    assert none is None

    on = run.run(JobReuse(kept=True, again=[one]))

    assert on[:2] == ["Completed", "Cached"]


def test_what_cannot_be_kept_in_passing_only_says_so(caplog: pytest.LogCaptureFixture) -> None:
    @task
    def locked() -> Any:
        return threading.Lock()

    @flow
    def outer() -> str:
        context = current_flow_run.get()
        assert context is not None
        context.kept = KeptResults("run_1", reuse=None)
        return locked(return_state=True).name

    with caplog.at_level(logging.INFO):
        assert outer() == "Completed"
    assert "a rerun of this run does the task again" in caplog.text


def test_serializable_cache_computes_once(home: Path) -> None:
    strict = INPUTS.configure(isolation_level="SERIALIZABLE", lock_manager=MemoryLockManager())
    _computes_once(strict)


def test_serializable_cache_without_a_manager_locks_with_files(home: Path) -> None:
    _computes_once(INPUTS.configure(isolation_level="SERIALIZABLE"))

    assert (home / "results/locks").is_dir()


def _computes_once(policy: CachePolicy) -> None:
    started, go_on = threading.Event(), threading.Event()

    @task(cache_policy=policy)
    def slow(x: int) -> int:
        calls.append(x)
        started.set()
        assert go_on.wait(30)
        return x

    @flow
    def outer() -> list[str]:
        first = slow.submit(1)
        assert started.wait(30)
        others = [slow.submit(1) for _ in range(3)]
        go_on.set()
        for future in (first, *others):
            future.wait()
        return sorted(names(*(future.state for future in (first, *others))))

    assert outer() == ["Cached", "Cached", "Cached", "Completed"]
    assert calls == [1]


def test_lock_of_a_task_that_failed_is_free() -> None:
    strict = INPUTS.configure(isolation_level="SERIALIZABLE")

    @task(cache_policy=strict)
    def flaky(x: int) -> int:
        calls.append(x)
        if len(calls) == 1:
            raise ValueError
        return x

    assert names(flaky(1, return_state=True), flaky(1, return_state=True)) == [
        "Failed",
        "Completed",
    ]
