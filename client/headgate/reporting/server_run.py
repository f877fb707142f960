"""A flow run that a server hears of: queues, back-pressure, the runs that are part of it."""

import asyncio
import contextlib
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from headgate.api import pauses
from headgate.api.background import BackgroundLoop, background_loop
from headgate.api.calls import LeaseInput
from headgate.api.pauses import NewPause, Pause
from headgate.api.transport import Transport
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
from headgate.reporting.lease_keeping import LeaseKeeper
from headgate.reporting.leftovers import Replayer
from headgate.reporting.log_buffer import GAP_SECONDS, LogBuffer
from headgate.reporting.parts import Parts
from headgate.reporting.proposals import Proposals
from headgate.reporting.records import TaskRun, Verdict
from headgate.reporting.sender import Sender
from headgate.reporting.spool import Spool, SpoolHeader
from headgate.reporting.tenure import Begin, Tenure
from headgate.settings import Settings
from headgate.states import State

logger = logging.getLogger("headgate.reporting")

URGENT_DEPTH = 500
"""So many waiting items are sent without waiting for the interval to pass."""

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
        on_cancel: called from the background thread when the server wants the run to stop.
        tenure: of a run that begins here, whose lease this process renews; an agent renews those
            of its children, as long as it lives.
        parent: the run of this process that this one is a part of.
        replayer: delivers what is left on disk, of this run or of others.
    """

    is_reporting = True

    def __init__(
        self,
        *,
        transport: Transport,
        lease: LeaseInput,
        settings: Settings,
        on_cancel: Callable[[], None],
        tenure: Tenure | None = None,
        parent: "ServerRun | None" = None,
        replayer: Replayer | None = None,
    ) -> None:
        self.flow_run_id = lease.run_id
        self.transport = transport
        self.lease = lease
        self.tenure = tenure
        self._settings = settings
        self._parent = parent
        self.parts = Parts()
        self._replayer = replayer
        self._background: BackgroundLoop = background_loop()
        self._tasks: deque[TaskRun] = deque()
        self._reports: deque[Report] = deque()
        self._logs = LogBuffer(
            lines_per_second=settings.log_lines_per_second, on_gap=self._begin_gap
        )
        self._is_armed = self._is_ending = False
        self._has_room = threading.Event()
        self._has_room.set()
        self._work = asyncio.Event()
        self._waiters: list[tuple[asyncio.Future[bool], bool]] = []
        self._sender = Sender(transport, lease, self._logs.note_quota, self._logs.note_refused)
        self._delivery = self._make_delivery()
        self._proposals = Proposals(
            self._sender,
            self._delivery,
            settings=settings,
            is_own=tenure is not None,
            is_part=parent is not None,
            flush=self._flush,
            take_rest=self._take_rest,
        )
        self._keeper_pid = os.getppid() if tenure is None else None
        self._jobs = self._begin_jobs(on_cancel)

    def _begin_jobs(self, on_cancel: Callable[[], None]) -> set[Future[None]]:
        keeper = LeaseKeeper(
            transport=self.transport,
            lease=self.lease,
            delivery=self._delivery,
            interval_seconds=self._settings.renew_interval_seconds,
            is_due=self._is_keeper,
            is_ending=lambda: self._is_ending,
            on_cancel=on_cancel,
        )
        if self.tenure is not None and not self.tenure.is_held:
            self.tenure.on_held = self.look_again
            self._delivery.begin_away()
        return {self._background.submit(job) for job in (self._drain_forever(), keeper.keep())}

    @property
    def is_away(self) -> bool:
        """Whether the server does not hear of the run for now."""
        return self._delivery.is_away

    def begin_part(self, begin: Begin) -> Begin:
        """Return what the server is told of a run that is part of this one."""
        pending = self.tenure.pending if self.tenure is not None else None
        return begin.as_part_of(self.flow_run_id, pending=pending, token=self.transport.token)

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

    def sync_now(self, run: TaskRun, *, patience_seconds: float = 0.0) -> "Future[None]":
        """Tell the server one task run at once, and wait so long for it where it is away."""
        return self._background.submit(self._sync_now(run, patience_seconds))

    def tell_all(self) -> "Future[bool]":
        """Tell the server all that was reported."""
        return self._background.submit(self._flush())

    def abandon(self) -> None:
        """Stop without another word, as for a run that was never started here."""
        self._background.loop.call_soon_threadsafe(self._stop)

    def _make_delivery(self) -> Delivery:
        tenure = self.tenure
        token, begin = self.transport.token or "", tenure.pending if tenure is not None else None
        header = SpoolHeader(self.transport.url, token, self.lease, begin)
        spool = Spool(self._settings.home, header=header, stream_id=self._logs.stream_id)
        return Delivery(
            self._sender,
            spool,
            on_lost=self._drop_queues,
            tenure=tenure,
            is_held_back=self._is_held_back,
        )

    def _is_keeper(self) -> bool:
        return self.tenure.is_held if self.tenure else os.getppid() != self._keeper_pid

    def _is_held_back(self, batch: Batch) -> bool:
        """Whether the run must not end yet: its token begins the runs that are part of it."""
        is_last = isinstance(batch, ProposedState) and batch.is_last
        return is_last and not self.parts.have_begun()

    @property
    def has_begun(self) -> bool:
        """Whether the server knows of the run, or never will."""
        return self.tenure is None or self.tenure.is_held or self.tenure.is_refused

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
        self._release_waiters()
        has_begun = self.has_begun
        await self._delivery.replay_when_due()
        if self.has_begun and not has_begun and self._parent is not None:
            self._parent.look_again()
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

    async def _flush(self, *, is_patient: bool = True) -> bool:
        """Wait until all that was reported is acknowledged, and what was left out is told.

        Whoever is patient also waits for the parts of this run; whoever is not goes on once the
        server is away. Returns whether the server heard it all.
        """
        self._logs.end_gap()
        is_heard = await self._be_drained(is_patient=is_patient)
        if self._logs.end():
            # The server itself left some out.
            is_heard = await self._be_drained(is_patient=is_patient)
        if is_patient:
            await self.parts.wait()
        return is_heard and not self.parts

    async def _be_drained(self, *, is_patient: bool) -> bool:
        if self._delivery.is_lost:
            return True
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append((waiter, is_patient))
        self._work.set()
        return await waiter

    def _release_waiters(self) -> None:
        if self._weight or self._logs:
            self._work.set()
            return
        is_settled, waiting = self._delivery.is_settled, self._waiters
        self._waiters = []
        for waiter, is_patient in waiting:
            if is_patient and not is_settled:
                self._waiters.append((waiter, is_patient))
            elif not waiter.done():
                waiter.set_result(is_settled)

    def look_again(self) -> None:
        """Ask the server again at once: this run, or a part of it, has come on."""
        self._delivery.retry_now()
        self._work.set()

    def _wake_if_away(self) -> None:
        if self._delivery.is_away:
            self._work.set()

    def _take_rest(self) -> Iterable[Batch]:
        self._logs.end()
        return iter(self._take, None)

    async def _ask_pause(self, new: NewPause, *, is_peek: bool) -> Pause | None:
        await self._flush()
        return await pauses.pause(self.transport, lease=self.lease, new=new, is_peek=is_peek)

    async def _sync_now(self, run: TaskRun, patience_seconds: float) -> None:
        batch = take_tasks(deque([run]), batch_id=make_uuid())
        if batch is not None and not self._delivery.is_lost:
            await self._delivery.deliver(batch)
            self._wake_if_away()
        if patience_seconds and self._delivery.is_away:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_seconds):
                    await self._be_drained(is_patient=True)

    async def _propose(self, state: State[Any], *, retry: dict[str, Any] | None) -> Verdict:
        is_last = state.is_final() and retry is None
        self._is_ending = self._is_ending or is_last
        verdict = await self._proposals.propose(state, retry=retry)
        self._wake_if_away()
        if not is_last:
            return verdict
        if self._parent is not None and not self._delivery.is_settled:
            self._parent.parts.add(self)
            self._jobs.add(self._background.submit(self._go_on_reporting()))
            return verdict
        await self._leave()
        return verdict

    async def _go_on_reporting(self) -> None:
        await self._flush()
        if self._parent is not None:
            self._parent.parts.remove(self)
            self._parent.look_again()
        self._stop()

    async def _leave(self) -> None:
        """Stop; what the server has not heard of this run and its parts waits on disk."""
        is_left = bool(self.parts) or not self._delivery.is_settled
        self.parts.leave_on_disk()
        self._stop()
        if self._replayer is not None and (is_left or self._parent is None):
            await self._replayer.go_on(has_more=is_left)

    def leave_on_disk(self) -> None:
        """Stop and leave what waits to whoever tells it later."""
        self.parts.leave_on_disk()
        self._delivery.leave_on_disk(iter(self._take, None))
        self._stop()

    def _stop(self) -> None:
        for job in self._jobs:
            job.cancel()
        self._delivery.spool.release()
        self._has_room.set()
