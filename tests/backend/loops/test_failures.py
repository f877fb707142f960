"""A loop that fails: logged, counted, and held against the process unless the database is away."""

from headgate_server.bus.bus import Bus
from headgate_server.database.engine import make_engine
from headgate_server.database.work import Database
from headgate_server.domain.errors import Unavailable
from headgate_server.loops.loop import Loop, LoopContext, run_safely
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


async def test_a_database_that_is_away_is_held_against_nobody(redis_url: str) -> None:
    engine = make_engine(NOBODY_LISTENS, application_name="tests", pool_size=1)
    clock = Clock()
    context = context_of(Database(app=engine, system=engine), redis_url, clock)
    for _ in range(8):
        assert await run_safely(Loop("late_runs", be_ended), context) is None
        clock.seconds += 10

    assert context.vitals.reasons() == []
    assert failures(context) == 8
