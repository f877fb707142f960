"""What a loop is: a name, and one function that does everything due and says how much it did."""

import asyncio
import logging
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar
from uuid import UUID

from headgate_server.bus.bus import Bus
from headgate_server.database.work import Database
from headgate_server.domain.errors import Conflict, HeadgateError, NotFound, Unavailable
from headgate_server.loops.pace import Pace
from headgate_server.services.audit_entries.checkpoints import Notary
from headgate_server.settings import Timers
from headgate_server.telemetry.instruments import Instruments
from headgate_server.telemetry.logs import belonging
from headgate_server.telemetry.traces import NoTracer, Tracer
from headgate_server.telemetry.vitals import Vitals

logger = logging.getLogger(__name__)

ROUND_SECONDS = 30.0
"""A round that takes longer is cut, whoever runs it."""


class OfWorkspace(Protocol):
    """What belongs to a workspace."""

    @property
    def workspace_id(self) -> UUID:
        """Return the id of the workspace."""
        ...


_Object = TypeVar("_Object", bound=OfWorkspace)
_Done = TypeVar("_Done")


@dataclass(frozen=True, slots=True)
class LoopContext:
    """What every loop works with, what counts and traces its rounds, and who signs checkpoints."""

    database: Database
    bus: Bus
    timers: Timers
    instruments: Instruments = field(default_factory=Instruments)
    tracer: Tracer = field(default_factory=NoTracer)
    notary: Notary | None = None
    vitals: Vitals = field(default_factory=Vitals)
    paces: dict[str, Pace] = field(default_factory=dict[str, Pace])
    last_turns: dict[str, UUID] = field(default_factory=dict[str, UUID])
    """Which workspace a loop that cannot get to all in a round took last, by the loop's name."""
    steps: Counter[str] = field(default_factory=Counter[str])
    """How many steps each loop has committed, by its name, for those that go in steps."""

    def pace_of(self, name: str, *, most: int) -> Pace:
        """Return how much at once somebody takes in this process; at first as much as it may."""
        return self.paces.setdefault(name, Pace(most, most))

    def note_step(self, name: str) -> None:
        """Note that a loop has committed a part of its work: should it be cut, it has gone on."""
        self.steps[name] += 1

    def in_turn(self, name: str, objects: Sequence[_Object]) -> list[_Object]:
        """Return objects by their workspaces, from behind the one that a loop took last, round."""
        ordered = sorted(objects, key=lambda one: one.workspace_id)
        last = self.last_turns.get(name)
        if last is None:
            return ordered
        behind = bisect_right(ordered, last, key=lambda one: one.workspace_id)
        return ordered[behind:] + ordered[:behind]


RunOnce = Callable[[LoopContext], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Loop:
    """Background work. ``run_once`` is idempotent: run twice, or on two machines, it is right.

    ``every_seconds`` is for work that no row announces; None for work that ``next_due`` finds.
    """

    name: str
    run_once: RunOnce
    every_seconds: float | None = None


async def run_safely(loop: Loop, context: LoopContext) -> int | None:
    """Run a loop once; a failure is logged and None is returned, so that the next tick comes.

    A loop that goes on failing while the database answers makes the process not live. A round that
    takes too long is cut; it has failed unless it has committed a step.
    """
    started_at = time.perf_counter()
    try:
        with belonging(loop=loop.name):
            done = await _in_time(loop, context)
        context.vitals.note_success(_part(loop))
        return done
    except HeadgateError as error:
        logger.warning("The %s loop will try again: %s", loop.name, error)
    except Exception:
        logger.exception("The %s loop failed and will try again", loop.name)
    finally:
        seconds = time.perf_counter() - started_at
        context.instruments.loops.labels(loop.name).observe(seconds)
    await note_failure(loop, context)
    return None


async def run_alone(step: Awaitable[_Done], *, name: str, context: LoopContext) -> _Done | None:
    """Take one step of a loop whose failure is nobody else's: it is logged and counted.

    That the object was deleted or changed meanwhile is no failure: then there is nothing to do.

    Args:
        step: what is done for one object, in a transaction of its own.
        name: the loop's.
        context: what counts the step, or the failure.

    Returns:
        What the step returns; None where it failed, or came too late.

    Raises:
        Unavailable: the database is away: that is no fault of the object.
    """
    try:
        done = await step
    except Unavailable:
        raise
    except (NotFound, Conflict) as error:
        logger.info("A step of the %s loop came too late: %s", name, error)
        return None
    except Exception:
        logger.exception("A step of the %s loop failed; the loop goes on without it", name)
    else:
        if done:
            context.note_step(name)
        return done
    context.instruments.loop_failures.labels(name).inc()
    return None


async def note_failure(loop: Loop, context: LoopContext) -> None:
    """Count a round that failed; against the process only if the database answers."""
    context.instruments.loop_failures.labels(loop.name).inc()
    try:
        async with context.database.system():
            pass  # The tenant is bound, and the time asked for: it answers.
    except HeadgateError:
        return
    context.vitals.note_failure(_part(loop), within_seconds=context.timers.silence_seconds)


def _part(loop: Loop) -> str:
    return f"The {loop.name} loop"


async def _in_time(loop: Loop, context: LoopContext) -> int:
    """Run a loop once, and cut it where it takes too long; how much, or how many steps, it did.

    Raises:
        TimeoutError: it was cut before it had committed a step.
    """
    before, given = context.steps[loop.name], asyncio.timeout(ROUND_SECONDS)
    try:
        async with given:
            return await _traced(loop, context)
    except TimeoutError:
        steps = context.steps[loop.name] - before
        if steps == 0 or not given.expired():
            raise
    logger.info("The %s loop was cut after %d steps; its next round goes on", loop.name, steps)
    return steps


async def _traced(loop: Loop, context: LoopContext) -> int:
    """Run a loop once; a round that did something, or failed, is a span."""
    with context.tracer.span(f"loop {loop.name}") as span:
        done = await loop.run_once(context)
        if done:
            span.describe(f"loop {loop.name}", done=done)
        else:
            span.discard()
        return done
