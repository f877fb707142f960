"""A loop that fails: logged, counted, and held against the process unless the database is away."""

import asyncio
import logging
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID, uuid4

import pytest

from headgate_server.bus.bus import Bus
from headgate_server.database.engine import make_engine
from headgate_server.database.work import Database
from headgate_server.domain.errors import Conflict, NotFound, Unavailable
from headgate_server.loops.loop import Loop, LoopContext, run_alone, run_safely
from headgate_server.loops.rounds import take_turns
from headgate_server.settings import Timers
from headgate_server.telemetry.vitals import Vitals
from tests.backend.graphql.local_app import NOBODY_LISTENS


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


async def fail(context: LoopContext) -> int:
    del context
    raise RuntimeError("It always fails")


async def be_ended(context: LoopContext) -> int:
    """Fail as a transaction does that Postgres ended, though it answers."""
    del context
    raise Unavailable


async def succeed(context: LoopContext) -> int:
    del context
    return 0


def context_of(database: Database, redis_url: str, clock: Clock) -> LoopContext:
    return LoopContext(
        database,
        Bus(redis_url, prefix="test"),
        Timers(silence_seconds=60),
        vitals=Vitals(read_seconds=clock),
    )


def failures(context: LoopContext) -> float | None:
    registry = context.instruments.registry
    return registry.get_sample_value("headgate_loop_failures_total", {"loop": "late_runs"})


async def test_a_loop_that_fails_while_the_database_answers_is_held_against_the_process(
    database: Database, redis_url: str
) -> None:
    clock = Clock()
    context = context_of(database, redis_url, clock)
    for number in range(8):
        loop = Loop("late_runs", fail if number % 2 else be_ended)
        assert await run_safely(loop, context) is None
        clock.seconds += 10

    assert context.vitals.reasons() == [
        "The late_runs loop has failed 8 rounds in a row, for 80 s."
    ]
    assert failures(context) == 8
    assert await run_safely(Loop("late_runs", succeed), context) == 0
    assert context.vitals.reasons() == []


async def never_end(context: LoopContext) -> int:
    del context
    await asyncio.Event().wait()
    return 0


async def go_on_for_ever(context: LoopContext) -> int:
    context.note_step("late_runs")
    return await never_end(context)


async def test_a_round_is_cut_and_has_failed_unless_it_went_on(
    database: Database, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headgate_server.loops.loop.ROUND_SECONDS", 0.05)
    context = context_of(database, redis_url, Clock())

    assert await run_safely(Loop("late_runs", go_on_for_ever), context) == 1
    assert failures(context) is None
    assert await run_safely(Loop("late_runs", never_end), context) is None
    assert failures(context) == 1


@pytest.mark.parametrize(("error", "count"), [(NotFound, None), (Conflict, None), (ValueError, 1)])
async def test_a_step_that_comes_too_late_is_told_and_is_no_failure(
    database: Database,
    redis_url: str,
    caplog: pytest.LogCaptureFixture,
    error: type[Exception],
    count: float | None,
) -> None:
    caplog.set_level(logging.INFO, logger="headgate_server.loops")
    context = context_of(database, redis_url, Clock())

    async def step() -> int:
        raise error

    assert await run_alone(step(), name="late_runs", context=context) is None

    assert failures(context) == count
    (record,) = caplog.records
    assert record.levelname == ("INFO" if count is None else "ERROR")
    assert (record.exc_info is None) is (count is None)


@dataclass(frozen=True)
class Work:
    workspace_id: UUID


async def test_rounds_take_turns_by_workspace_and_go_on_where_the_last_one_ended(
    database: Database, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_of(database, redis_url, Clock())
    one, two, three = sorted((Work(uuid4()) for _ in range(3)), key=lambda work: work.workspace_id)
    left = {one: 45, two: 3, three: 21}
    steps: list[Work] = []

    async def step(work: Work) -> int:
        steps.append(work)
        left[work] -= left[work] > 0
        return 1 if left[work] else 0

    assert await take_turns(context, "turns", [three, one, two], step) == 44 + 2 + 20
    turns = [work for work, _ in groupby(steps)]
    assert turns == [one, two, three, one, three, one]

    left.update({one: 9, two: 9, three: 9})
    monkeypatch.setattr("headgate_server.loops.rounds.LONGEST_SECONDS", 0.0)
    steps.clear()
    assert await take_turns(context, "turns", [one, two, three], step) == 8
    assert set(steps) == {two}


async def test_a_database_that_is_away_is_held_against_nobody(redis_url: str) -> None:
    engine = make_engine(NOBODY_LISTENS, application_name="tests", pool_size=1)
    clock = Clock()
    context = context_of(Database(app=engine, system=engine), redis_url, clock)
    for _ in range(8):
        assert await run_safely(Loop("late_runs", be_ended), context) is None
        clock.seconds += 10

    assert context.vitals.reasons() == []
    assert failures(context) == 8
