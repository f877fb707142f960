"""A flow run that a server hears of: queues, back-pressure, proposals, the lease."""

import asyncio
import contextlib
import logging
import os
import random
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from headgate.api import flow_runs, pauses
from headgate.api.background import BackgroundLoop, background_loop
from headgate.api.calls import LeaseInput
from headgate.api.pauses import NewPause, Pause
from headgate.api.states import StateAnswer
from headgate.api.transport import Transport
from headgate.errors import (
    ApiError,
    LeaseLostError,
    RetryableApiError,
    ServerFaultError,
    UnauthenticatedError,
)
from headgate.ids import make_uuid
from headgate.reporting.batches import (
    Batch,
    ProposedState,
    Report,
    cut_message,
    take_report,
    take_tasks,
)
from headgate.reporting.delivery import Delivery
from headgate.reporting.failures import state_input
from headgate.reporting.log_buffer import GAP_SECONDS, LogBuffer
from headgate.reporting.records import TaskRun, Verdict
from headgate.reporting.sender import Sender
from headgate.reporting.spool import Spool, SpoolHeader
from headgate.settings import Settings
from headgate.states import State, StateType

logger = logging.getLogger("headgate.reporting")

URGENT_DEPTH = 500
"""So many waiting items are sent without waiting for the interval to pass."""

_OVER = {
    "LOST": "another attempt or a person took over the run",
    "UNKNOWN": "the server knows no such run",
    "FINISHED": "the run was ended while this process worked on it",
}

REPORT_WEIGHT = 50
"""An artifact may be as long as so many task runs: 200 of them wait at most."""

QUEUE_LIMIT = 10_000
"""From here on, whoever reports waits; where lines have a rate, they stay out and nobody waits."""


class ServerRun:
    """Reports one flow run, in the background, in order, and without loss.

    User code only appends to queues; lines beyond a rate stay out and are counted. A sender on the
    background loop takes batches off them; what a server that is away does not take goes to disk
    and is replayed. The final state is proposed when all before it was acknowledged.

    Args:
        is_own_lease: this process renews the lease; an agent renews those of its children, as
            long as it lives.
        on_cancel: called from the background thread when the server wants the run to stop.
    """

    is_reporting = True

    def __init__(
        self,
        *,
        transport: Transport,
        lease: LeaseInput,
        settings: Settings,
        is_own_lease: bool,
        on_cancel: Callable[[], None],
    ) -> None:
        self.flow_run_id = lease.run_id
        self.transport = transport
        self.lease = lease
        self._settings = settings
        self._on_cancel = on_cancel
        self._background: BackgroundLoop = background_loop()
        self._tasks: deque[TaskRun] = deque()
        self._reports: deque[Report] = deque()
        self._logs = LogBuffer(
            lines_per_second=settings.log_lines_per_second, on_gap=self._begin_gap
        )
        self._is_armed = False
        self._is_ending = False
        self._has_room = threading.Event()
        self._has_room.set()
        self._work = asyncio.Event()
        self._waiters: list[asyncio.Future[None]] = []
        self._sender = Sender(transport, lease, on_quota=self._logs.note_quota)
        self._delivery = self._make_delivery()
        self._jobs = {self._background.submit(self._drain_forever())}
        self._keeper_pid = None if is_own_lease else os.getppid()
        self._jobs.add(self._background.submit(self._keep_lease()))

    def record_task(self, run: TaskRun) -> None:
        """Queue a task run once, however often it changes before it is sent."""
        if run.is_queued or self._delivery.is_lost:
            return
        run.is_queued = True
        self._tasks.append(run)
        self._wake()

    def report(self, report: Report) -> None:
        """Queue an artifact or the like; it is sent once, behind the task runs it may name."""
        if self._delivery.is_lost:
            return
        self._reports.append(report)
        self._wake()
        if self._weight >= URGENT_DEPTH:
            self._background.loop.call_soon_threadsafe(self._work.set)

    def drops_log(self, level: int) -> bool:
        """Whether a line of this level would be left out now; counts it if so."""
        return self._delivery.is_lost or self._logs.drops(level)

    def append_log(
        self,
        *,
        timestamp_us: int,
        level: int,
        logger: str,
        message: str,
        task_run_id: str | None,
    ) -> None:
        """Queue a line; one too many is counted instead."""
        if self._delivery.is_lost:
            return
        self._logs.append((timestamp_us, level, logger, cut_message(message), task_run_id))
        self._wake()

    def propose(
        self, state: State[Any], *, retry: dict[str, Any] | None = None
    ) -> "Future[Verdict]":
        """Propose a state of the run, after everything reported before it was acknowledged."""
        return self._background.submit(self._propose(state, retry=retry))

    def ask(self, new: NewPause, *, is_peek: bool = False) -> "Future[Pause | None]":
        """Pause or suspend the run, after everything reported before it was acknowledged.

        Args:
            is_peek: only look whether the key was answered before.
        """
        return self._background.submit(self._ask_pause(new, is_peek=is_peek))

    def sync_now(self, run: TaskRun) -> "Future[None]":
        """Tell the server one task run at once, ahead of the queue."""
        return self._background.submit(self._sync_now(run))

    def abandon(self) -> None:
        """Stop without another word, as for a run that was never started here."""
        self._background.loop.call_soon_threadsafe(self._stop)

    def _make_delivery(self) -> Delivery:
        header = SpoolHeader(
            url=self.transport.url, token=self.transport.token or "", lease=self.lease
        )
        spool = Spool(self._settings.home, header=header, stream_id=self._logs.stream_id)
        return Delivery(self._sender, spool, on_lost=self._drop_queues)

    def _wake(self) -> None:
        depth = self._weight + len(self._logs)
        if not self._is_armed:
            self._is_armed = True
            self._background.loop.call_soon_threadsafe(self._arm)
        elif depth == URGENT_DEPTH:
            self._background.loop.call_soon_threadsafe(self._work.set)
        waiting = self._weight if self._logs.is_bounded else depth
        if waiting >= QUEUE_LIMIT and not self._background.is_current_thread():
            self._has_room.clear()
            self._background.loop.call_soon_threadsafe(self._work.set)
            self._has_room.wait()

    @property
    def _weight(self) -> int:
        return len(self._tasks) + REPORT_WEIGHT * len(self._reports)

    def _arm(self) -> None:
        self._background.loop.call_later(self._settings.report_interval_seconds, self._work.set)

    async def _drain_forever(self) -> None:
        while True:
            await self._wait_for_work()
            self._work.clear()
            self._is_armed = False
            try:
                await self._drain()
            except Exception:
                # What is left out is one batch: the others, and the run's end, are still told.
                logger.exception("A report of run %s is left out", self.flow_run_id)
                self._delivery.postpone()
                self._work.set()

    async def _drain(self) -> None:
        while (batch := self._take()) is not None:
            await self._delivery.deliver(batch)
        await self._delivery.replay_when_due()
        if self._delivery.is_settled and not self._weight and not self._logs:
            self._release_waiters()

    async def _wait_for_work(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._delivery.seconds_to_retry()):
                await self._work.wait()

    def _take(self) -> Batch | None:
        batch: Batch | None = take_tasks(self._tasks, batch_id=make_uuid())
        if batch is None:
            batch = take_report(self._reports)
        if batch is None:
            batch = self._logs.take()
        waiting = 0 if self._logs.is_bounded else len(self._logs)
        if self._weight + waiting < QUEUE_LIMIT // 2:
            self._has_room.set()
        return batch

    def _drop_queues(self) -> None:
        self._tasks.clear()
        self._reports.clear()
        self._logs.clear()
        self._has_room.set()

    def _begin_gap(self) -> None:
        loop = self._background.loop
        loop.call_soon_threadsafe(loop.call_later, GAP_SECONDS, self._end_gap)

    def _end_gap(self) -> None:
        self._logs.end_gap()
        self._work.set()

    async def _flush(self) -> None:
        """Wait until all that was reported is acknowledged, and what was left out is told."""
        self._logs.end_gap()
        await self._be_drained()
        if self._logs.end():
            # The server itself left some out.
            await self._be_drained()

    async def _be_drained(self) -> None:
        if self._delivery.is_lost:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._work.set()
        await waiter

    def _release_waiters(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    async def _ask_pause(self, new: NewPause, *, is_peek: bool) -> Pause | None:
        async with asyncio.timeout(self._settings.report_patience_seconds):
            await self._flush()
        return await pauses.pause(self.transport, lease=self.lease, new=new, is_peek=is_peek)

    async def _sync_now(self, run: TaskRun) -> None:
        batch = take_tasks(deque([run]), batch_id=make_uuid())
        if batch is not None and not self._delivery.is_lost:
            await self._delivery.deliver(batch)

    async def _propose(self, state: State[Any], *, retry: dict[str, Any] | None) -> Verdict:
        is_gate = state.is_running()
        is_last = state.is_final() and retry is None
        self._is_ending = self._is_ending or is_last
        patience = self._settings.report_patience_seconds
        deadline = self._settings.request_deadline_seconds if is_gate else patience
        proposal = ProposedState(state_input(state, retry=retry), make_uuid())
        try:
            async with asyncio.timeout(patience):
                await self._flush()
            verdict = await self._ask(proposal, state=state, deadline_seconds=deadline)
        except (TimeoutError, RetryableApiError, ServerFaultError) as error:
            if not is_last:
                raise
            verdict = self._leave_on_disk(proposal, state=state, error=error)
        except ApiError as error:
            if not is_last:
                raise
            verdict = Verdict(accepted=False, state=state, reason=str(error))
        if is_last:
            self._stop()
        return verdict

    async def _ask(
        self, proposal: ProposedState, *, state: State[Any], deadline_seconds: float
    ) -> Verdict:
        if self._delivery.is_lost:
            return Verdict(accepted=False, state=state, reason=self._delivery.lost_reason)
        try:
            answer = await self._sender.propose(proposal, deadline_seconds=deadline_seconds)
        except (LeaseLostError, UnauthenticatedError) as error:
            self._delivery.lose(str(error))
            return Verdict(accepted=False, state=state, reason=str(error))
        reason = str(answer.refusal) if answer.refusal else None
        if isinstance(answer.refusal, LeaseLostError):
            self._delivery.lose(str(answer.refusal))
        now = _read_state(answer.state, proposed=state) if answer.state else state
        return Verdict(accepted=answer.accepted, state=now, reason=reason)

    def _leave_on_disk(
        self, proposal: ProposedState, *, state: State[Any], error: Exception
    ) -> Verdict:
        self._delivery.leave_on_disk([*iter(self._take, None), proposal])
        logger.error(
            "The server stayed away (%s); the reports of run %s wait in %s and are sent when "
            "Headgate runs here again",
            str(error) or type(error).__name__,
            self.flow_run_id,
            self._delivery.spool.path,
        )
        return Verdict(accepted=False, state=state, reason="the server is away")

    async def _keep_lease(self) -> None:
        interval = self._settings.renew_interval_seconds
        has_cancelled = False
        while not self._delivery.is_lost:
            await asyncio.sleep(interval * random.uniform(0.9, 1.1))  # noqa: S311 - spread
            if self._keeper_pid is not None and os.getppid() == self._keeper_pid:
                continue
            try:
                verdict = await flow_runs.renew(
                    self.transport, lease=self.lease, deadline_seconds=interval / 2
                )
            except RetryableApiError as error:
                logger.debug("The lease of run %s was not renewed: %s", self.flow_run_id, error)
            except ApiError as error:
                self._delivery.lose(str(error))
            else:
                if verdict.outcome in _OVER and not self._is_ending:
                    # Whoever took the run over counts on this process not to work on beside it.
                    self._delivery.lose(_OVER[verdict.outcome])
                    self._on_cancel()
                elif verdict.outcome == "CANCEL_REQUESTED" and not has_cancelled:
                    has_cancelled = True
                    self._on_cancel()

    def _stop(self) -> None:
        for job in self._jobs:
            job.cancel()
        self._delivery.spool.release()
        self._has_room.set()


def _read_state(answer: StateAnswer, *, proposed: State[Any]) -> State[Any]:
    """Return the run's state as the server has it, with the data that only this process has."""
    return State(
        StateType(answer.type),
        name=answer.name,
        message=answer.message,
        data=proposed.data if answer.type == proposed.type.value else None,
        timestamp_us=int(answer.timestamp.timestamp() * 1_000_000),
        details=answer.details,
    )
