"""The agent: registers, keeps its leases, receives runs over the work stream, drains."""

import asyncio
import contextlib
import logging
import platform
import random
import signal
import time
from collections.abc import Coroutine
from typing import Any

from headgate.agent.held_runs import HeldRun, Workplace, supersede
from headgate.agent.launchers.process import ProcessLauncher
from headgate.agent.options import AgentOptions
from headgate.agent.orders import Orders
from headgate.agent.work_stream import WorkStream
from headgate.api import agents, workspaces
from headgate.api.agents import Registration
from headgate.api.calls import LeaseInput
from headgate.api.flow_runs import LeaseVerdict
from headgate.api.transport import Transport, retry_delay_seconds
from headgate.api.work_stream import (
    AgentDirective,
    LeaseRevoked,
    RunCancelRequested,
    RunOffered,
    RunPauseRequested,
    StreamOpened,
    WorkMessage,
)
from headgate.engine.fence import seconds_since_boot
from headgate.errors import (
    ApiError,
    RetryableApiError,
    SessionFencedError,
    UnauthenticatedError,
)
from headgate.ids import make_uuid
from headgate.secret_references.resolving import sign_out
from headgate.version import VERSION

logger = logging.getLogger("headgate.agent")

LONGEST_RECONNECT_SECONDS = 32.0
HEARTBEAT_JITTER = 0.1
ONCE_IDLE_SECONDS = 2.0
DEFAULT_GRACE_SECONDS = 30
"""Where a server of an older version does not say how long a cancelled process may take."""
SLOT_PATIENCE_SECONDS = 2.0
"""A run that ended frees its slot at the server a moment before it does here."""


class Agent:
    """One process of an agent: from its registration until it has drained."""

    def __init__(self, transport: Transport, options: AgentOptions) -> None:
        self._key_transport = transport
        self._session_transport = transport.with_token(transport.token)
        self._options = options
        self._launcher = ProcessLauncher(is_warm=options.is_warm)
        self._instance_id = make_uuid()
        self._registration: Registration | None = None
        self._held: dict[tuple[str, int], HeldRun] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._heartbeat_seconds = 15.0
        self._is_interval_new = asyncio.Event()
        self._last_work_at = time.monotonic()
        self._slots = asyncio.Semaphore(options.limit)
        self._orders = Orders()
        self._is_draining = False
        self._has_stopped = asyncio.Event()
        self._changed = asyncio.Event()
        self._work_stream = WorkStream(
            self._session_transport,
            session_id=lambda: self.session_id,
            held=self._leases,
            take=self._take,
            rejoin=self._register,
            allowed=options.carriers,
            climb_seconds=options.climb_seconds,
        )

    async def run(self) -> None:
        """Work until told to stop and every held run has ended.

        Raises:
            UnauthenticatedError: the key is not valid.
            NotFoundError: there is no such pool.
        """
        await self._register()
        await self._launcher.warm_up()
        jobs = [
            asyncio.create_task(self._heartbeat_forever(), name="heartbeat"),
            asyncio.create_task(self._work_stream.run(), name="stream"),
            asyncio.create_task(self._wait_until_done(), name="done"),
        ]
        try:
            done, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
            for job in done:
                job.result()
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.wait(jobs)
            await self._leave()

    def stop(self) -> None:
        """Drain: take nothing new, let what runs end; called again, cancel what runs."""
        if self._is_draining:
            logger.warning("Stopping now: %d runs are cancelled", len(self._held))
            for run in self._held.values():
                run.cancel(grace_seconds=5)
        else:
            logger.info("Draining: %d runs to end; stop again to cancel them", len(self._held))
            self._is_draining = True
            self._spawn(self._say_drain())
        self._changed.set()

    @property
    def session_id(self) -> str:
        """The id of the current session."""
        return self._registration.session_id if self._registration else ""

    async def _register(self) -> None:
        attempt = 0
        while True:
            try:
                self._registration = await agents.register(
                    self._key_transport,
                    workspace_id=await self._workspace_id(),
                    pool_name=self._options.pool,
                    name=self._options.name,
                    instance_id=self._instance_id,
                    capacity=self._options.limit,
                    sdk_version=VERSION,
                    host=platform.node(),
                    queue_names=self._options.queue_names,
                )
            except RetryableApiError as error:
                delay = min(2.0**attempt, LONGEST_RECONNECT_SECONDS) * random.uniform(0.5, 1)  # noqa: S311  spread
                if error.retry_after_seconds is not None:
                    delay = retry_delay_seconds(attempt, wish_seconds=error.retry_after_seconds)
                logger.warning("No server yet (%s); trying again in %.1f s", error, delay)
                await asyncio.sleep(delay)
                attempt += 1
                continue
            break
        self._session_transport.token = self._registration.session_token
        if self._is_draining:
            self._spawn(self._say_drain())
        logger.info(
            "Agent %s serves pool %s, up to %d runs at once",
            self._options.name,
            self._registration.work_pool.name,
            self._options.limit,
        )

    async def _workspace_id(self) -> str | None:
        """Return the id of the workspace that was named; None leaves it to the key."""
        if self._options.workspace is None:
            return None
        organization, workspace = self._options.workspace
        return await workspaces.get_id(
            self._key_transport, organization=organization, workspace=workspace
        )

    def _take(self, message: WorkMessage) -> None:
        match message:
            case RunOffered():
                self._offer(message)
            case RunCancelRequested():
                self._cancel(message.run_id, message.epoch, message.grace_seconds)
            case RunPauseRequested():
                self._tell_to_look(message.run_id, message.epoch)
            case LeaseRevoked():
                self._lose(message.run_id, message.epoch, message.revoke_reason)
            case StreamOpened():
                if self._heartbeat_seconds != message.heartbeat_interval.total_seconds():
                    self._heartbeat_seconds = message.heartbeat_interval.total_seconds()
                    self._is_interval_new.set()
            case AgentDirective():
                self._obey(message.kind, message.directive_reason)
            case _:
                pass

    def _offer(self, offer: RunOffered) -> None:
        key = (offer.run_id, offer.epoch)
        self._last_work_at = time.monotonic()
        if key in self._held:
            return
        lease = LeaseInput(offer.run_id, offer.lease_token, offer.epoch)
        workplace = Workplace(
            launcher=self._launcher,
            transport=self._session_transport,
            session_id=lambda: self.session_id,
            folder=self._options.folder,
        )
        older = [run for (run_id, _), run in self._held.items() if run_id == offer.run_id]
        held = self._held[key] = HeldRun(lease, workplace)
        self._spawn(self._hold(key, held, older=older))

    async def _hold(self, key: tuple[str, int], held: HeldRun, *, older: list[HeldRun]) -> None:
        try:
            await supersede(older)
            refusal = await self._take_slot()
            if refusal is not None:
                await self._decline(held.lease, refusal)
                return
            try:
                await held.run()
                if held.was_claimed:
                    self._orders.vain_resumes = 0
            finally:
                self._slots.release()
        except Exception:
            logger.exception("%s: the agent failed", held.run_id)
        finally:
            held.is_gone.set()
            self._held.pop(key, None)
            self._last_work_at = time.monotonic()
            self._changed.set()

    async def _take_slot(self) -> str | None:
        """Wait a moment for a free slot; return why there is none for this run."""
        if self._is_draining:
            return "The agent drains."
        if self._orders.paused_for is not None:
            return f"The agent is paused: {self._orders.paused_for}"
        try:
            async with asyncio.timeout(SLOT_PATIENCE_SECONDS):
                await self._slots.acquire()
        except TimeoutError:
            return "No slot came free."
        return None

    async def _decline(self, lease: LeaseInput, reason: str) -> None:
        logger.info("%s is declined: %s", lease.run_id, reason)
        with contextlib.suppress(ApiError):
            await agents.decline(
                self._session_transport, session_id=self.session_id, lease=lease, reason=reason
            )

    def _obey(self, kind: str, reason: str | None) -> None:
        """Carry out an order; it may come again and again."""
        if kind == "DRAIN" and not self._is_draining:
            self.stop()
        elif kind == "PAUSE":
            self._orders.pause(reason or "no reason was given", every=self._heartbeat_seconds)
        elif kind == "RESUME":
            self._orders.resume()
        elif kind == "RECONFIGURE" and not self._orders.is_reconfiguring:
            self._orders.is_reconfiguring = True
            self._spawn(self._reconfigure(reason))
        elif kind == "UPGRADE":
            self._orders.upgrade(reason or "a newer agent is wanted")

    async def _reconfigure(self, reason: str | None) -> None:
        """Register again, but not with all agents of the pool at once, and open a new stream."""
        await asyncio.sleep(random.uniform(0, self._heartbeat_seconds))  # noqa: S311  spread
        logger.info("Registering again: %s", reason)
        try:
            await self._register()
            self._work_stream.renew()
        except ApiError as error:
            logger.warning("The pool could not be looked at again: %s", error)
        finally:
            self._orders.is_reconfiguring = False

    def _cancel(self, run_id: str, epoch: int, grace_seconds: int) -> None:
        held = self._held.get((run_id, epoch))
        if held is not None:
            held.cancel(grace_seconds=grace_seconds)

    def _tell_to_look(self, run_id: str, epoch: int) -> None:
        held = self._held.get((run_id, epoch))
        if held is not None:
            held.tell_to_look()

    def _lose(self, run_id: str, epoch: int, reason: str) -> None:
        held = self._held.get((run_id, epoch))
        if held is not None:
            held.lose(reason)

    async def _heartbeat_forever(self) -> None:
        while True:
            jitter = random.uniform(1 - HEARTBEAT_JITTER, 1 + HEARTBEAT_JITTER)  # noqa: S311  spread
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._heartbeat_seconds * jitter):
                    await self._is_interval_new.wait()
                    self._is_interval_new.clear()
                    continue
            await self._heartbeat()
            for held in list(self._held.values()):
                held.mind_fence()

    async def _heartbeat(self) -> None:
        sent_at = seconds_since_boot()
        state = "DRAINING" if self._is_draining else self._orders.state_to_report()
        if state == "ONLINE":
            self._work_stream.renew()  # offers that did not come may come over another one
        try:
            async with asyncio.timeout(self._heartbeat_seconds):
                answer = await agents.heartbeat(
                    self._session_transport,
                    session_id=self.session_id,
                    held=self._leases(),
                    capacity=self._options.limit,
                    state=state,
                    deadline_seconds=self._heartbeat_seconds / 2,
                )
        except (SessionFencedError, UnauthenticatedError):
            await self._register()
            return
        except (ApiError, TimeoutError) as error:
            logger.warning("No heartbeat went through: %s", str(error) or "no answer")
            return
        if answer.session_token is not None:
            self._session_transport.token = answer.session_token
        for verdict in answer.leases:
            self._judge(verdict, sent_at=sent_at)
        for directive in answer.directives:
            self._obey(directive.kind, directive.reason)
        if not any(directive.kind == "PAUSE" for directive in answer.directives):
            self._orders.resume()

    def _judge(self, verdict: LeaseVerdict, *, sent_at: float) -> None:
        if verdict.outcome in {"LOST", "UNKNOWN"}:
            self._lose(verdict.run_id, verdict.epoch, "the server gave it to another")
            return
        held = self._held.get((verdict.run_id, verdict.epoch))
        if held is not None and verdict.outcome == "FINISHED":
            held.leave()
        if held is not None and verdict.outcome in {"RENEWED", "CANCEL_REQUESTED"}:
            held.renewed(sent_at)
        if verdict.outcome == "CANCEL_REQUESTED":
            grace = verdict.grace_seconds
            if grace is None:
                grace = DEFAULT_GRACE_SECONDS
            self._cancel(verdict.run_id, verdict.epoch, grace)
        elif verdict.pause_request is not None:
            self._tell_to_look(verdict.run_id, verdict.epoch)

    def _leases(self) -> list[LeaseInput]:
        return [held.lease for held in self._held.values() if held.is_claimed]

    async def _wait_until_done(self) -> None:
        while True:
            self._changed.clear()
            if self._is_draining and not self._held:
                return
            idle = time.monotonic() - self._last_work_at
            if self._options.is_once and not self._held and idle >= ONCE_IDLE_SECONDS:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ONCE_IDLE_SECONDS if self._options.is_once else None):
                    await self._changed.wait()

    async def _say_drain(self) -> None:
        with contextlib.suppress(ApiError):
            await agents.drain(self._session_transport, session_id=self.session_id)

    async def _leave(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        with contextlib.suppress(ApiError):
            await agents.deregister(self._session_transport, session_id=self.session_id)
        await self._launcher.stop()
        logger.info("Agent %s has stopped", self._options.name)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def run_agent(transport: Transport, options: AgentOptions) -> None:
    """Run an agent in this process until SIGINT or SIGTERM, and drain.

    Raises:
        UnauthenticatedError: the key is not valid.
        NotFoundError: there is no such pool.
    """
    agent = Agent(transport, options)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, agent.stop)
    try:
        await agent.run()
    finally:
        await sign_out()
        await transport.close()
