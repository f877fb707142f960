"""Cache policies: which calls are the same, and how policies are put together."""

import threading
from dataclasses import dataclass
from typing import Any

import pytest

from headgate import task
from headgate.cache_policies import (
    DEFAULT,
    FLOW_PARAMETERS,
    INPUTS,
    NO_CACHE,
    NONE,
    RUN_ID,
    TASK_SOURCE,
    CacheKeyFnPolicy,
    CachePolicy,
)
from headgate.locking.memory import MemoryLockManager
from headgate.locking.protocol import IsolationLevel


@task
def one(x: int) -> int:
    return x


@task
def other(x: int) -> int:
    return x + 1


@dataclass
class Run:
    """The identity of a task run."""

    id: str = "trun_1"
    flow_run_id: str | None = "run_1"


@dataclass
class Context:
    """What a policy is told of a task run."""

    task: Any = one
    task_run: Any = None


def key(
    policy: CachePolicy,
    inputs: dict[str, Any] | None = None,
    *,
    of: Any = one,
    run: Run | None = None,
    parameters: dict[str, Any] | None = None,
) -> str | None:
    context = Context(of, run or Run())
    return policy.compute_key(context, {"x": 1} if inputs is None else inputs, parameters or {})


def test_inputs_tell_calls_apart() -> None:
    assert key(INPUTS) == key(INPUTS, {"x": 1}, of=other)
    assert key(INPUTS) != key(INPUTS, {"x": 2})
    assert key(INPUTS, {}) is None


def test_input_that_is_taken_off_does_not_count() -> None:
    policy = INPUTS - "y"

    assert key(policy, {"x": 1, "y": 1}) == key(policy, {"x": 1, "y": 2})
    assert key(policy, {"x": 1, "y": 1}) != key(policy, {"x": 2, "y": 1})
    assert key(policy - "x", {"x": 1, "y": 1}) is None


def test_input_is_taken_off_a_sum() -> None:
    assert key(DEFAULT - "x", {"x": 1}) == key(DEFAULT - "x", {"x": 2})
    assert key(TASK_SOURCE - "x", {"x": 1, "y": 1}) != key(TASK_SOURCE - "x", {"x": 1, "y": 2})
    with pytest.raises(TypeError, match="name of an input"):
        INPUTS - 5  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]


def test_source_tells_functions_apart() -> None:
    assert key(TASK_SOURCE) == key(TASK_SOURCE, {"x": 2})
    assert key(TASK_SOURCE) != key(TASK_SOURCE, of=other)


def test_run_and_flow_parameters_tell_runs_apart() -> None:
    assert key(RUN_ID) == "run_1"
    assert key(RUN_ID, run=Run(flow_run_id=None)) == "trun_1"
    assert key(FLOW_PARAMETERS) is None
    assert key(FLOW_PARAMETERS, parameters={"a": 1}) != key(FLOW_PARAMETERS, parameters={"a": 2})


def test_sum_needs_all_of_its_parts() -> None:
    keys = {
        key(DEFAULT),
        key(DEFAULT, {"x": 2}),
        key(DEFAULT, of=other),
        key(DEFAULT, run=Run(flow_run_id="run_2")),
    }

    assert len(keys) == 4
    assert key(INPUTS + RUN_ID + TASK_SOURCE) != key(INPUTS + RUN_ID)


def test_nothing_adds_nothing() -> None:
    assert NONE is NO_CACHE
    assert key(NO_CACHE) is None
    assert INPUTS + NONE == INPUTS
    assert NONE + INPUTS == INPUTS


def test_function_makes_the_key() -> None:
    policy = CachePolicy.from_cache_key_fn(lambda context, parameters: f"k-{parameters['x']}")

    assert isinstance(policy, CacheKeyFnPolicy)
    assert key(policy) == "k-1"
    assert key(policy + INPUTS) not in {"k-1", key(INPUTS)}


def test_options_stay_in_a_sum_unless_two_differ() -> None:
    locks = MemoryLockManager()
    strict = INPUTS.configure(isolation_level="SERIALIZABLE", lock_manager=locks)

    total = strict + RUN_ID

    assert (total.isolation_level, total.lock_manager) == (IsolationLevel.SERIALIZABLE, locks)
    assert INPUTS.isolation_level is None
    with pytest.raises(ValueError, match="different isolation_level"):
        strict + RUN_ID.configure(isolation_level="READ_COMMITTED")  # pyright: ignore[reportUnusedExpression]
    with pytest.raises(ValueError, match="EVENTUAL"):
        INPUTS.configure(isolation_level="EVENTUAL")


def test_argument_that_cannot_be_hashed_is_named() -> None:
    said = r"The argument 'lock' cannot be hashed .*as in `INPUTS - 'name'`"

    with pytest.raises(ValueError, match=said):
        key(INPUTS, {"x": 1, "lock": threading.Lock()})
