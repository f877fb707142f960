"""A task worker: takes background tasks of the tasks it serves, runs them, and tells the end.

Each task is leased to the worker, and the lease is renewed while the task runs. A worker that is
lost loses its leases, and others run what it had. On SIGTERM it takes no more, lets what runs end,
and gives back what does not end in time.
"""

import asyncio
import logging
import signal
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from headgate.api import background_tasks
from headgate.api.background_tasks import Offer, TaskLease
from headgate.api.transport import Transport, retry_delay_seconds
from headgate.background_tasks.execution import MAX_MESSAGE, Outcome, execute
from headgate.background_tasks.task_logs import TaskLog
from headgate.background_tasks.values import store_of, sweep_old
from headgate.engine.crash import CancelRequested
from headgate.engine.effects import leave
from headgate.engine.sessions import find_workspace_id
from headgate.engine.timeouts import interrupt_thread
from headgate.errors import ApiError, RetryableApiError
from headgate.ids import make_uuid
from headgate.logs import ENGINE
from headgate.settings import Settings
from headgate.texts import cut, text_of

logger = logging.getLogger(ENGINE)

STRIKE_SECONDS = 1.0
"""How long code that was struck may take to stop, before the process ends around it."""

_STRUCK = Outcome({"type": "CANCELLED", "name": "Cancelled", "message": "Its code was not run."})
_STOPPED = Outcome({"type": "CANCELLED", "name": "Cancelled", "message": "Stopped."})
_GIVEN_BACK: dict[str, Any] = {"type": "SCHEDULED", "name": "Scheduled", "message": "Given back."}


@dataclass(slots=True, eq=False)
class _Held:
    """A task that this worker runs.

    Args:
        thread_id: where its code runs; None before and after.
        is_lost: another has it by now, and nothing is told of it.
        is_given_back: it did not end before the worker had to.
    """

    lease: TaskLease
    name: str
    lock: threading.Lock = field(default_factory=threading.Lock)
    thread_id: int | None = None
    is_lost: bool = False
    is_given_back: bool = False
    is_struck: bool = False

    def enter(self) -> bool:
        """Begin its code in this thread; False where it was struck before it came to that."""
        with self.lock:
            if not self.is_struck:
                self.thread_id = threading.get_ident()
            return not self.is_struck

    def strike(self) -> None:
        """Stop its code, wherever it is; once."""
        with self.lock:
            if not self.is_struck:
                self.is_struck = True
                if self.thread_id is not None:
                    interrupt_thread(self.thread_id, kind=CancelRequested)


class TaskWorker:
    """Serves tasks from this process.

    Args:
        tasks: what it runs; each by its own name.
        limit: how many at once.
        grace_seconds: how long what runs may take to end once the worker is told to.

    Raises:
        ValueError: no tasks, two that are called the same, or a limit below one.
    """

    def __init__(
        self, *tasks: Any, limit: int = 10, grace_seconds: float = 30.0, settings: Settings
    ) -> None:
        if not tasks:
            message = "A task worker serves one task at least"
            raise ValueError(message)
        if limit < 1:
            message = f"limit must be 1 or more, not {limit}"
            raise ValueError(message)
        self.tasks: Mapping[str, Any] = {task.spec.key: task for task in tasks}
        if len(self.tasks) < len(tasks):
            message = "Two tasks have the same function name; serve them from two workers"
            raise ValueError(message)
        self.limit = limit
        self.id = make_uuid()
        self._settings = settings
        self._grace_seconds = grace_seconds
        self._held: dict[str, _Held] = {}
        self._jobs: set[asyncio.Task[None]] = set()
        self._executor = ThreadPoolExecutor(limit, thread_name_prefix="headgate-background")
        self._places = asyncio.Semaphore(limit)
        """As many as there are threads: code that cannot be stopped keeps its own."""
        self._heartbeat_seconds = 0.0
        self._opened = asyncio.Event()
        self._draining = asyncio.Event()
        self._hurrying = asyncio.Event()

    async def run(self) -> None:
        """Serve until SIGINT or SIGTERM; a second one gives back what runs at once.

        Where the server lets it serve no more, it stops what runs: another worker begins that.

        Raises:
            SettingsError: no server or no workspace is configured.
            ApiError: this key may not serve tasks there.
        """
        settings = self._settings
        transport = Transport(
            settings.require_api_url(),
            settings.api_key,
            deadline_seconds=settings.request_deadline_seconds,
        )
        sweep_old(settings)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._heed)
        try:
            workspace_id = await find_workspace_id(settings, transport=transport)
            server = _Server(transport, workspace_id)
            renewing = asyncio.create_task(self._renew(server))
            try:
                await self._receive(server)
            except ApiError as error:
                self._draining.set()
                self._hurrying.set()
                await self._drain(server, refusal=error)
                raise
            await self._drain(server)
            renewing.cancel()
        finally:
            await transport.close()
            self._executor.shutdown(wait=False)

    def _heed(self) -> None:
        (self._hurrying if self._draining.is_set() else self._draining).set()

    async def _receive(self, server: "_Server") -> None:
        """Take what the server offers, until the worker drains."""
        logger.info("Serving %s, %d at once", ", ".join(sorted(self.tasks)), self.limit)
        failures = 0
        draining = asyncio.create_task(self._draining.wait())
        while not self._draining.is_set():
            receiving = asyncio.create_task(self._take(server))
            await asyncio.wait({receiving, draining}, return_when=asyncio.FIRST_COMPLETED)
            if not receiving.done():
                receiving.cancel()
                await asyncio.wait({receiving})
                break
            failures = 0 if receiving.result() else failures + 1
            await asyncio.wait({draining}, timeout=retry_delay_seconds(failures))
        draining.cancel()

    async def _take(self, server: "_Server") -> bool:
        """Take offers from one stream until it ends; say whether it brought any message."""
        has_opened = False
        work = background_tasks.work(
            server.transport,
            workspace_id=server.workspace_id,
            worker_id=self.id,
            task_keys=sorted(self.tasks),
            limit=self.limit,
        )
        try:
            async for message in work:
                has_opened = True
                self._heartbeat_seconds = message.heartbeat_interval.total_seconds()
                self._opened.set()
                for offer in message.offers:
                    self._begin(server, offer)
        except RetryableApiError as error:
            logger.debug("The stream of background tasks is opened again: %s", error)
        return has_opened

    def _begin(self, server: "_Server", offer: Offer) -> None:
        job = asyncio.create_task(self._run(server, offer))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    async def _run(self, server: "_Server", offer: Offer) -> None:
        """Run one task once there is a thread for it; a worker that drains gives it back."""
        if not await self._has_place():
            await server.finish(offer.lease, _GIVEN_BACK, None)
            return
        try:
            await self._run_here(server, offer)
        finally:
            self._places.release()

    async def _has_place(self) -> bool:
        """Wait for a thread, and take it; False once the worker drains."""
        acquiring = asyncio.create_task(self._places.acquire())
        draining = asyncio.create_task(self._draining.wait())
        await asyncio.wait({acquiring, draining}, return_when=asyncio.FIRST_COMPLETED)
        draining.cancel()
        if not self._draining.is_set():
            return True
        if not acquiring.cancel():
            self._places.release()
        return False

    async def _run_here(self, server: "_Server", offer: Offer) -> None:
        """Run one task, from the start gate to its end."""
        lease = offer.lease
        try:
            await server.start(lease)
        except ApiError as error:
            logger.info("Background task %s is not started here: %s", offer.task.name, error)
            return
        held = self._held[lease.id] = _Held(lease, offer.task.name)
        try:
            log = TaskLog(
                server.transport,
                workspace_id=server.workspace_id,
                lease=lease,
                lines_per_second=self._settings.log_lines_per_second,
            )
            outcome = await self._executed(offer, held, log)
            if held.is_given_back:
                await server.finish(lease, _GIVEN_BACK, None)
            elif not held.is_lost:
                await server.finish(lease, outcome.state, outcome.result)
        except Exception as error:
            logger.exception("Background task %s could not be run", offer.task.name)
            await server.finish(lease, _crashed(error), None)
        finally:
            if self._held.get(lease.id) is held:
                del self._held[lease.id]

    async def _executed(self, offer: Offer, held: _Held, log: TaskLog) -> Outcome:
        """Run a task's code in a thread, and send what it logs, all of it before its end."""
        sending = asyncio.create_task(log.send_forever())
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._executor, self._execute, offer, held, log)
        finally:
            sending.cancel()
            await asyncio.wait({sending})
            if not held.is_lost:
                await log.finish()

    def _execute(self, offer: Offer, held: _Held, log: TaskLog) -> Outcome:
        task = self.tasks[offer.task.task_key]
        if not held.enter():
            return _STRUCK
        try:
            open_store = partial(store_of, task.spec, settings=self._settings)
            return execute(task, offer, open_store=open_store, log=log)
        except CancelRequested:
            return _STOPPED
        finally:
            with held.lock:
                held.thread_id = None

    async def _renew(self, server: "_Server") -> None:
        """Keep the leases of what runs, and hear of what is to stop."""
        await self._opened.wait()
        while True:
            await asyncio.sleep(self._heartbeat_seconds)
            held = list(self._held.values())
            if not held:
                continue
            try:
                verdicts = await server.renew([one.lease for one in held])
            except ApiError as error:
                logger.warning("The leases of %d tasks were not renewed: %s", len(held), error)
                continue
            for one, verdict in zip(held, verdicts, strict=True):
                if verdict != "RENEWED":
                    one.is_lost = verdict == "LOST"
                    logger.info("Background task %s is to stop: %s", one.name, verdict)
                    one.strike()

    async def _drain(self, server: "_Server", *, refusal: ApiError | None = None) -> None:
        """Let what runs end, and give back what does not in time.

        Args:
            server: is told.
            refusal: why this worker may serve no more.
        """
        if self._jobs:
            logger.info("Draining: %d background tasks may end", len(self._jobs))
        hurrying = asyncio.create_task(self._hurrying.wait())
        over = asyncio.create_task(_all_over(self._jobs))
        await asyncio.wait(
            {over, hurrying}, timeout=self._grace_seconds, return_when=asyncio.FIRST_COMPLETED
        )
        hurrying.cancel()
        if over.done():
            return
        over.cancel()
        left = list(self._held.values())
        for held in left:
            held.is_given_back = True
            held.strike()
        if jobs := set(self._jobs):
            await asyncio.wait(jobs, timeout=STRIKE_SECONDS)
        stuck = [held for held in left if held.lease.id in self._held]
        for held in stuck:
            await server.finish(held.lease, _GIVEN_BACK, None)
        if stuck:
            # Their threads cannot be stopped but with the process, and another may start them now.
            if refusal is not None:
                logger.error("This worker may serve no more: %s", refusal)
            leave(0 if refusal is None else 1)


@dataclass(frozen=True, slots=True)
class _Server:
    """What a worker tells the server, again and again until it is heard."""

    transport: Transport
    workspace_id: str

    async def renew(self, leases: Sequence[TaskLease]) -> list[str]:
        return await background_tasks.renew(
            self.transport, workspace_id=self.workspace_id, leases=leases
        )

    async def start(self, lease: TaskLease) -> None:
        """Pass the start gate; the server may have opened it and its answer been lost.

        Raises:
            ApiError: it is another's by now, or this worker may not.
        """
        await _heard(
            partial(
                background_tasks.start,
                self.transport,
                workspace_id=self.workspace_id,
                lease=lease,
            )
        )

    async def finish(self, lease: TaskLease, state: dict[str, Any], result: Any) -> None:
        """Tell an end; while the server is away the lease may run out, and then it is refused."""
        try:
            await _heard(
                partial(
                    background_tasks.finish,
                    self.transport,
                    workspace_id=self.workspace_id,
                    lease=lease,
                    state=state,
                    result=result,
                )
            )
        except ApiError as error:
            logger.warning("The end of background task %s was refused: %s", lease.id, error)


async def _heard(tell: Callable[[], Awaitable[None]]) -> None:
    """Tell something again and again until the server answers."""
    failures = 0
    while True:
        try:
            return await tell()
        except RetryableApiError as error:
            wish = error.retry_after_seconds
            await asyncio.sleep(retry_delay_seconds(failures, wish_seconds=wish))
            failures += 1


def _crashed(error: Exception) -> dict[str, Any]:
    message = cut(f"The worker could not run it: {text_of(error)}", limit=MAX_MESSAGE)
    return {"type": "CRASHED", "name": "Crashed", "message": message}


async def _all_over(jobs: set[asyncio.Task[None]]) -> None:
    while jobs:
        await asyncio.wait(set(jobs))
