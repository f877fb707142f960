"""Rounds that end: what a loop has much of goes in steps, each committed by itself, for so long."""

import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.errors import Unavailable
from headgate_server.loops.loop import LoopContext, OfWorkspace, run_alone

logger = logging.getLogger(__name__)

_Object = TypeVar("_Object", bound=OfWorkspace)

LONGEST_SECONDS = 15.0
"""After that a loop lets others have the database until its next round."""
TURN_STEPS = 20
"""So many steps a workspace gets before it is the next one's turn."""
AWAY_AFTER = 3
"""So many objects in a row that cannot be had are no accident: the database is away."""


async def take(
    context: LoopContext,
    name: str,
    steps: AsyncGenerator[int],
    *,
    seconds: float = LONGEST_SECONDS,
) -> int:
    """Take steps until there is none left or the time is over, and return how much they did.

    Args:
        context: what counts steps that did something: a round that is cut after one has gone on.
        name: the loop's.
        steps: each has committed what it did as it yields how much that was.
        seconds: for how long new ones are begun.
    """
    until, total = time.monotonic() + seconds, 0
    async with aclosing(steps) as left:
        async for done in left:
            if done:
                context.note_step(name)
            total += done
            if time.monotonic() >= until:
                break
    return total


async def take_batches(
    context: LoopContext, name: str, batch: Callable[[UnitOfWork], Awaitable[int]], *, full: int
) -> int:
    """Take batches, a transaction each, until one is not full or the time is over."""

    async def steps() -> AsyncGenerator[int]:
        done = full
        while done >= full:
            async with context.database.system() as work:
                done = await batch(work)
            yield done

    return await take(context, name, steps())


async def take_each(
    context: LoopContext,
    name: str,
    objects: Sequence[_Object],
    step: Callable[[UnitOfWork, _Object], Awaitable[int]],
) -> int:
    """Take a step for each object, in a transaction of its own in its workspace; how much they did.

    One that fails holds no other up.

    Raises:
        Unavailable: the database is away.
    """

    async def alone(one: _Object) -> int:
        async with context.database.system(workspace_id=one.workspace_id) as work:
            return await step(work, one)

    done = [await run_alone(alone(one), name=name, context=context) for one in objects]
    return sum(filter(None, done))


async def take_turns(
    context: LoopContext,
    name: str,
    objects: Sequence[_Object],
    step: Callable[[_Object], Awaitable[int]],
) -> int:
    """Take the steps of objects in turns, until none has any left or the time is over.

    A round begins behind the workspace at which the one before it ended. An object that somebody
    holds, or whose step fails, holds no other up: it has its turn again in the next round.

    Args:
        context: what remembers whose turn it is.
        name: the loop's.
        objects: of workspaces.
        step: takes one step of an object, in a transaction of its own; 0 where none is left.

    Returns:
        How much the steps did.

    Raises:
        Unavailable: several objects in a row could not be had.
    """
    until, total, held = time.monotonic() + LONGEST_SECONDS, 0, 0
    waiting = deque(context.in_turn(name, objects))
    while waiting:
        one = waiting.popleft()
        context.last_turns[name] = one.workspace_id
        try:
            for _ in range(TURN_STEPS):
                done = await run_alone(step(one), name=name, context=context)
                if not done:
                    break
                total += done
            else:
                waiting.append(one)
            held = 0
        except Unavailable:
            held += 1
            if held >= AWAY_AFTER:
                raise
            logger.info("Workspace %s is in use; its turn comes again", one.workspace_id)
        if time.monotonic() >= until:
            break
    return total
