"""Follows runs, logs and events: what breaks is opened again from its cursor."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from functools import partial
from typing import Any, Protocol, TypeVar, cast

from headgate.api import events, flow_runs, logs
from headgate.api.events import EventBatch
from headgate.api.flow_runs import FlowRun, RunUpdate
from headgate.api.logs import LogBatch
from headgate.api.transport import Transport, retry_delay_seconds
from headgate.errors import RetryableApiError
from headgate.states import TERMINAL_TYPES

PATIENCE_SECONDS = 120.0
"""How long a server may stay away while a run is followed."""

_T = TypeVar("_T", RunUpdate, LogBatch, EventBatch)


class View(Protocol):
    """Shows a run that is followed."""

    def show_update(self, update: RunUpdate) -> None:
        """Take what changed about the run."""
        ...

    def show_lines(self, batch: LogBatch) -> None:
        """Take lines of its log."""
        ...

    def show_trouble(self, message: str) -> None:
        """Say that the connection broke and is opened again."""
        ...


async def follow_run(
    transport: Transport,
    *,
    flow_run_id: str,
    view: View,
    patience_seconds: float = PATIENCE_SECONDS,
) -> FlowRun:
    """Show a run's states, tasks and log until it has ended, and return it.

    Raises:
        RetryableApiError: the server stayed away for longer than the patience.
        NotFoundError: there is no such run.
    """
    last: list[RunUpdate] = []
    has_begun = asyncio.Event()

    def take(update: RunUpdate) -> bool:
        if update.caught_up and update.run.state.type in TERMINAL_TYPES:
            last.append(update)
        else:
            view.show_update(update)
            has_begun.set()
        return bool(last)

    async def follow_lines() -> None:
        await has_begun.wait()
        await _follow_log(transport, flow_run_id=flow_run_id, view=view, following=following)

    async def follow_states() -> None:
        await following.follow(updates, take=take)
        has_begun.set()

    following = _Following(view.show_trouble, patience_seconds=patience_seconds)
    updates = partial(flow_runs.updates, transport, flow_run_id=flow_run_id)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(follow_states())
            tasks.create_task(follow_lines())
    except ExceptionGroup as group:
        # Both streams break for the same reason; the first says it.
        raise group.exceptions[0] from group
    # Its log comes over another stream, and belongs before its end.
    view.show_update(last[0])
    return last[0].run


async def follow_log(
    transport: Transport, *, flow_run_id: str, view: View, filter: dict[str, Any] | None = None
) -> None:
    """Show a run's log until it has ended.

    Args:
        filter: the API's ``LogFilter``.

    Raises:
        RetryableApiError: the server stayed away for longer than the patience.
    """
    following = _Following(view.show_trouble, patience_seconds=PATIENCE_SECONDS)
    await _follow_log(
        transport, flow_run_id=flow_run_id, view=view, following=following, filter=filter
    )


async def follow_events(
    transport: Transport,
    *,
    workspace_id: str,
    filter: dict[str, Any],
    is_from_oldest: bool,
    show: Callable[[EventBatch], None],
    tell: Callable[[str], None],
) -> None:
    """Show a workspace's events until interrupted.

    Raises:
        RetryableApiError: the server stayed away for longer than the patience.
        NotFoundError: there is no such workspace.
    """

    def take(batch: EventBatch) -> bool:
        show(batch)
        return False

    following = _Following(tell, patience_seconds=PATIENCE_SECONDS)
    watch = partial(
        events.watch,
        transport,
        workspace_id=workspace_id,
        filter=filter,
        is_from_oldest=is_from_oldest,
    )
    await following.follow(watch, take=take)


async def _follow_log(
    transport: Transport,
    *,
    flow_run_id: str,
    view: View,
    following: "_Following",
    filter: dict[str, Any] | None = None,
) -> None:
    def take(batch: LogBatch) -> bool:
        view.show_lines(batch)
        return batch.ended

    tail = partial(logs.tail, transport, flow_run_id=flow_run_id, filter=filter)
    await following.follow(tail, take=take)


class _Following:
    """Keeps subscriptions open, and tells of what breaks and of what is gone."""

    def __init__(self, tell: Callable[[str], None], *, patience_seconds: float) -> None:
        self._tell = tell
        self._patience_seconds = patience_seconds
        self._is_broken = False

    async def follow(
        self, open_stream: Callable[..., AsyncIterator[_T]], *, take: Callable[[_T], bool]
    ) -> None:
        """Take every message once, in order, until ``take`` says that it was the last."""
        cursor: str | None = None
        attempt = 0
        heard_at = time.monotonic()
        while True:
            try:
                async with aclosing(cast("Any", open_stream(after=cursor))) as messages:
                    async for message in messages:
                        attempt, heard_at, self._is_broken = 0, time.monotonic(), False
                        cursor = message.cursor
                        if message.gap:
                            self._tell("Something before this is not kept any more.")
                        if take(message):
                            return
            except RetryableApiError as error:
                if time.monotonic() - heard_at > self._patience_seconds:
                    raise
                self._tell_once(error)
            await asyncio.sleep(retry_delay_seconds(attempt))
            attempt += 1

    def _tell_once(self, error: RetryableApiError) -> None:
        if not self._is_broken:
            self._is_broken = True
            self._tell(f"The connection broke, opening it again: {error}")
