"""Keeps the loops ticking: as arq jobs while Redis answers, directly while it does not.

A loop is enqueued when the bus wakes it and at the instant at which a row becomes due. Job ids are
unique by loop and instant, so any number of replicas enqueue one job. One that runs may have looked
before the wake came: whom the queue refuses, asks again until it has ended. Behind both is a sweep
that asks the database and needs no queue: a job that a killed replica took with it holds nothing
up.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import orjson
from arq import ArqRedis
from arq.worker import Worker, func
from redis.exceptions import RedisError

from headgate_server.bus import channels
from headgate_server.bus.connections import open_pool
from headgate_server.domain.errors import HeadgateError
from headgate_server.domain.schedules.plan import MISSED_AFTER
from headgate_server.loops.loop import ROUND_SECONDS, Loop, LoopContext, run_safely
from headgate_server.services import background_tasks, cancels, upkeep
from headgate_server.services.audit_entries import checkpoints
from headgate_server.services.flow_runs import counts

logger = logging.getLogger(__name__)

JOB_TIMEOUT_SECONDS = ROUND_SECONDS + 10
"""A round is cut before; what is cut here does not even end when it is."""
CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 2.0
"""A queue that answers nothing for so long is away, though its connections are open."""
POLL_SECONDS = 0.1
MAX_JOBS = 20
RESTART_SECONDS = 1.0
COALESCE_SECONDS = 0.05
AGAIN_SECONDS = 0.25
"""So soon the database is asked again where a loop was at it, and may have looked before."""
END_SECONDS = 5.0
"""How long jobs may take to end when their worker has."""
OUTBOX = "outbox"
_IS_PLANNED = "headgate_is_planned"
"""Whether more is planned when a job has ended, in the job's own context."""


class Supervisor:
    """Runs the loops of one scheduler replica; any number of replicas share the work."""

    def __init__(
        self,
        context: LoopContext,
        loops: Sequence[Loop],
        *,
        redis_url: str,
        prefix: str,
        on_round: Callable[[], None] = lambda: None,
    ) -> None:
        """Describe the replica; ``on_round`` is called each time it has come round."""
        self._context = context
        self._loops = {loop.name: loop for loop in loops}
        self._redis_url = redis_url
        self._on_round = on_round
        self._queue = f"{prefix}:loops"
        self._pool: ArqRedis | None = None
        self._enqueuing: set[asyncio.Task[Any]] = set()
        self._timed: dict[str, float] = {}

    async def run(self) -> None:
        """Tick until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._work_forever())
            tasks.create_task(self._tick_forever())
            tasks.create_task(self._publish_forever())

    async def _work_forever(self) -> None:
        """Keep an arq worker alive: it ends whenever Redis does."""
        while True:
            try:
                await self._work()
            except (RedisError, OSError, TimeoutError) as error:
                _end_if_cancelled()
                self._pool = None
                logger.warning("The job queue is away; loops run directly meanwhile: %s", error)
            await asyncio.sleep(RESTART_SECONDS)

    async def _work(self) -> None:
        pool = ArqRedis(
            open_pool(
                self._redis_url, connect_seconds=CONNECT_SECONDS, answer_seconds=ANSWER_SECONDS
            ),
            job_serializer=_dump,
            job_deserializer=orjson.loads,
            default_queue_name=self._queue,
        )
        worker = self._worker(pool)
        worker.tasks = jobs = _Jobs()
        try:
            await cast("Any", pool).ping()
            self._pool = pool
            await worker.async_run()
        finally:
            self._pool = None
            # Whoever is cancelled at a call opens a connection anew, to take back what it watched:
            # no pool that is closed already would close that.
            await _end_jobs(jobs)
            if self._enqueuing:
                await asyncio.wait(self._enqueuing, timeout=END_SECONDS)
            await pool.aclose(close_connection_pool=True)

    def _worker(self, pool: ArqRedis) -> Worker:
        return Worker(
            functions=[
                func(self._job(loop), name=loop.name, timeout=JOB_TIMEOUT_SECONDS, keep_result=0)
                for loop in self._loops.values()
            ],
            redis_pool=pool,
            queue_name=self._queue,
            handle_signals=False,
            keep_result=0,
            poll_delay=POLL_SECONDS,
            max_jobs=MAX_JOBS,
            max_tries=1,
            job_timeout=JOB_TIMEOUT_SECONDS,
            job_serializer=_dump,
            job_deserializer=orjson.loads,
            log_results=False,
            after_job_end=self._after,
        )

    def _job(self, loop: Loop) -> Any:
        async def job(arq: dict[str, Any]) -> None:
            done = await run_safely(loop, self._context)
            arq[_IS_PLANNED] = bool(done) and loop.name != OUTBOX

        job.__qualname__ = loop.name
        return job

    async def _after(self, ctx: dict[Any, Any]) -> None:
        """Plan what follows a job, now that the queue holds it no more and takes its like."""
        if ctx.get(_IS_PLANNED) and not await self._plan():
            await self._context.bus.publish({channels.SCHEDULER})

    async def _tick_forever(self) -> None:
        clock = asyncio.get_running_loop().time
        swept_at = float("-inf")
        async with self._context.bus.listen(channels.SCHEDULER) as listener:
            while True:
                is_taken = True
                if clock() >= swept_at + self._sweep_seconds():
                    await self._sweep()
                    swept_at = clock()
                else:
                    is_taken = await self._plan()
                    await asyncio.sleep(COALESCE_SECONDS)
                self._on_round()
                wait_seconds = max(swept_at + self._sweep_seconds() - clock(), 0)
                await listener.wait(wait_seconds if is_taken else min(wait_seconds, AGAIN_SECONDS))

    def _sweep_seconds(self) -> float:
        return self._context.timers.sweep(is_woken=self._pool is not None)

    async def _publish_forever(self) -> None:
        """Start the outbox as events are committed, a moment's worth at a time."""
        async with self._context.bus.listen(channels.OUTBOX) as listener:
            is_taken = True
            while True:
                await listener.wait(None if is_taken else COALESCE_SECONDS)
                is_taken = await self._enqueue(self._loops[OUTBOX], at=None, delay=timedelta())
                await asyncio.sleep(COALESCE_SECONDS)

    async def _sweep(self) -> None:
        now = asyncio.get_running_loop().time()
        timed = [
            loop
            for loop in self._loops.values()
            if loop.every_seconds is not None
            and now - self._timed.get(loop.name, -loop.every_seconds) >= loop.every_seconds
        ]
        self._timed.update({loop.name: now for loop in timed})
        for loop in timed:
            await self._enqueue(loop, at=None, delay=timedelta())
        await self._plan(is_sweep=True)

    async def _plan(self, *, is_sweep: bool = False) -> bool:
        """Ask the database what is due, start that, and set a job for what is due before long.

        Args:
            is_sweep: run what is due here, whatever the queue says of it.

        Returns:
            False where something is due that a job is at already.
        """
        timers = self._context.timers
        try:
            async with self._context.database.system() as work:
                due = await upkeep.next_due(
                    work,
                    horizon=timers.schedule_horizon,
                    missed_after=MISSED_AFTER,
                    unresponsive_after=timedelta(seconds=timers.unresponsive_after_seconds),
                    lost_after=timers.lease,
                    counts_after=counts.SETTLING,
                    checkpoints_after=checkpoints.CHECKPOINT_EVERY,
                    confirmed_within=cancels.CONFIRMED_WITHIN,
                    tasks_confirmed_within=background_tasks.CONFIRMED_WITHIN,
                )
                now = work.now
                if is_sweep:
                    await upkeep.note_tick(work)
        except HeadgateError as error:
            logger.warning("The loops cannot see what is due: %s", error)
            return True
        is_taken = True
        ahead = timedelta(seconds=timers.sweep_seconds)
        for name, at in due.items():
            if at is None or at > now + ahead:
                continue
            loop = self._loops[name]
            if at > now:
                await self._enqueue(loop, at=at, delay=at - now)
            elif is_sweep:
                await run_safely(loop, self._context)
                self._on_round()
            else:
                is_taken &= await self._enqueue(loop, at=None, delay=timedelta())
        return is_taken

    async def _enqueue(self, loop: Loop, *, at: datetime | None, delay: timedelta) -> bool:
        """Hand a loop to the job queue, or run it here where there is none.

        Returns:
            False where the queue holds such a job, which may run and have looked already.
        """
        pool = self._pool
        if pool is not None:
            instant = "now" if at is None else str(int(at.timestamp() * 1000))
            try:
                enqueuing = asyncio.create_task(
                    pool.enqueue_job(
                        loop.name, _job_id=f"{self._queue}:{loop.name}:{instant}", _defer_by=delay
                    )
                )
                self._enqueuing.add(enqueuing)
                enqueuing.add_done_callback(self._enqueuing.discard)
                job = await enqueuing
            except (RedisError, OSError, TimeoutError):
                self._pool = None
                _end_if_cancelled()
            else:
                _end_if_cancelled()
                return job is not None
        if at is None:
            await run_safely(loop, self._context)
        return True


def _end_if_cancelled() -> None:
    """Go on only if nobody has cancelled this task: redis-py may take that for a lost connection.

    Raises:
        CancelledError: somebody has.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class _Jobs(dict[str, "asyncio.Task[Any]"]):
    """A worker's jobs by their id, and all that run: of one id the next may begin as one ends."""

    def __init__(self) -> None:
        super().__init__()
        self.running: set[asyncio.Task[Any]] = set()

    def __setitem__(self, id_: str, job: "asyncio.Task[Any]") -> None:
        super().__setitem__(id_, job)
        self.running.add(job)
        job.add_done_callback(self.running.discard)


async def _end_jobs(of: _Jobs) -> None:
    """End the jobs that arq leaves running when it is cancelled."""
    jobs = {*of.values(), *of.running}
    for job in jobs:
        job.cancel()
    if not jobs:
        return
    ended, _ = await asyncio.wait(jobs, timeout=END_SECONDS)
    for job in ended:
        # One that was just telling Redis of its end may take the cancel for a lost connection.
        if not job.cancelled() and (error := job.exception()) is not None:
            logger.debug("A job ended as its worker did: %r", error)


def _dump(value: Any) -> bytes:
    # arq keeps the exception of a job that failed for a moment, as its result.
    return orjson.dumps(value, default=repr)
