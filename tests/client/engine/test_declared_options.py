"""What decorators are told: options that do not exist, are of another kind, or out of range."""

import functools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from headgate import flow, task
from headgate.cache_policies import INPUTS, TASK_SOURCE, task_input_hash
from headgate.context import TaskRunContext
from headgate.task_runners import ThreadPoolTaskRunner


def nothing() -> None:
    """Do nothing."""


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"retires": 3}, "has no option 'retires': did you mean 'retries'?"),
    ({"zzz": 3}, "has no option 'zzz'"),
    ({"retries": "3"}, "retries takes a whole number, not '3'"),
    ({"retries": True}, "retries takes a whole number, not True"),
    ({"name": 3}, "name takes a text, not 3"),
    ({"timeout_seconds": "1"}, "timeout_seconds takes seconds, not '1'"),
    ({"timeout_seconds": -1}, "timeout_seconds must be more than 0, or 0 for none, not -1"),
    ({"timeout_seconds": float("nan")}, "timeout_seconds must be more than 0, or 0 for none"),
    ({"on_completion": nothing}, "on_completion takes a list of functions, as [notify], not <func"),
    (
        {"on_failure": (hook for hook in [nothing])},
        "on_failure takes a list of functions, as [notify], not <generator",
    ),
    ({"on_failure": ["notify"]}, "on_failure takes a list of functions, and 'notify' is none"),
]
OF_TASKS: list[tuple[dict[str, Any], str]] = [
    ({"cache_expiration": 5}, "cache_expiration takes a timedelta, not 5"),
    ({"tags": "etl"}, "tags takes a list of texts, not 'etl'"),
]
OF_FLOWS: list[tuple[dict[str, Any], str]] = [
    ({"task_runner": "threads"}, "task_runner takes a task runner, not 'threads'"),
    ({"tags": ["etl"]}, "@flow has no option 'tags'"),
]


@pytest.mark.parametrize(
    ("decorator", "options", "told"),
    [(flow, *case) for case in WRONG + OF_FLOWS] + [(task, *case) for case in WRONG + OF_TASKS],
)
def test_wrong_options_are_told_where_they_stand(
    decorator: Callable[..., Any], options: dict[str, Any], told: str
) -> None:
    with pytest.raises((TypeError, ValueError)) as raised:
        decorator(**options)(nothing)
    with pytest.raises((TypeError, ValueError)) as changed:
        decorator(nothing).with_options(**options)

    assert told in str(raised.value)
    assert str(changed.value) == str(raised.value)


@pytest.mark.parametrize("zero", [0, 0.0, timedelta(0)])
@pytest.mark.parametrize("decorator", [flow, task])
def test_a_timeout_of_0_is_none(decorator: Callable[..., Any], zero: float | timedelta) -> None:
    declared = decorator(timeout_seconds=zero)(nothing)
    changed = decorator(timeout_seconds=1)(nothing).with_options(timeout_seconds=zero)

    assert declared.timeout_seconds is None
    assert changed.timeout_seconds is None


class Adder:
    def __init__(self, more: int) -> None:
        self.more = more

    def __call__(self, number: int) -> int:
        return number + self.more


class Waiter:
    async def __call__(self, number: int) -> int:
        return number


def add(more: int, number: int) -> int:
    return number + more


def test_partials_and_callable_objects_are_tasks_and_flows() -> None:
    partial, made = task(functools.partial(add, 1)), task(Adder(2))
    inner = flow(functools.partial(add, 3))

    @flow
    def work() -> list[int]:
        return [partial(10), made.submit(10).result(), inner(10)]

    assert work() == [11, 12, 13]
    assert (partial.name, made.name, inner.name) == ("add", "Adder", "add")


async def test_a_callable_object_may_be_asynchronous() -> None:
    waiting = task(Waiter())

    @flow
    async def work() -> int:
        return await waiting(7)

    assert waiting.is_async
    assert await work() == 7


def test_what_a_partial_or_an_object_holds_is_part_of_its_source() -> None:
    def keys(fn: Callable[..., Any]) -> tuple[str | None, str | None]:
        told: list[tuple[str | None, str | None]] = []

        def key(context: TaskRunContext, arguments: dict[str, Any]) -> str | None:
            policy = TASK_SOURCE + INPUTS
            hashed = policy.compute_key(context, arguments, {})  # pyright: ignore[reportArgumentType]
            told.append((hashed, task_input_hash(context, arguments)))
            return None

        task(name="one", cache_key_fn=key)(fn)(1)
        return told[0]

    made = [functools.partial(add, 1), functools.partial(add, 2), Adder(1), Adder(2)]
    first, again = [keys(fn) for fn in made], [keys(fn) for fn in made]

    assert first == again
    for position in range(2):
        assert len({pair[position] for pair in first}) == len(made)


def test_every_runner_of_ours_is_one() -> None:
    for runner in (ThreadPoolTaskRunner(max_workers=3), ThreadPoolTaskRunner):
        assert flow(task_runner=runner)(lambda: 1)() == 1


@pytest.mark.parametrize(
    "name",
    ["with/slash", "two\nlines", " around ", "no\u00a0break", "a\u200bb", "a\x7f", "a\u2028b"],
)
def test_a_name_that_no_server_takes_is_told_where_it_stands(name: str) -> None:
    with pytest.raises(ValueError, match="name is printable, with no slash or space around it"):
        flow(name=name)(nothing)
