"""One run in an agent's hands: claimed, launched, watched, stopped, and accounted for."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.agent.environments import EnvironmentBuildError
from headgate.agent.last_hooks import LastHooks
from headgate.agent.launchers.process import Launched, ProcessLauncher
from headgate.agent.output import OutputReporter
from headgate.agent.warm_processes import ForkServerLost
from headgate.api import agents
from headgate.api.agents import Claim
from headgate.api.calls import LeaseInput
from headgate.api.transport import Transport
from headgate.engine.fence import seconds_since_boot
from headgate.engine.lifeline import OUTCOME_KNOWN
from headgate.engine.templates import changed_values, fill_blocks
from headgate.errors import ApiError, BlockError, LeaseLostError, RefusedError

logger = logging.getLogger("headgate.agent")

RELEASE_PATIENCE_SECONDS = 600.0
KILL_AFTER_SECONDS = 10.0
LEAVE_SECONDS = 5.0
"""So long a process may go on after its run has ended, for what it does at its exit."""
AGENT_SHARE, OWN_SHARE = 0.9, 0.95
"""At which share of its fence the agent kills a run, and it itself where the agent is late."""
PASSED_ON = (
    "HEADGATE_HOME",
    "HEADGATE_LOG_LEVEL",
    "HEADGATE_RESCHEDULE_RETRIES_AFTER_SECONDS",
    "HEADGATE_UI_URL",
)
OPERATORS_OWN = ("HEADGATE_SECRET_ENV", "HEADGATE_SECRET_FOLDERS", "HEADGATE_SECRET_PATHS")
"""What a run is told as the agent was, whatever its job says."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """What every run of an agent shares."""

    launcher: ProcessLauncher
    transport: Transport
    session_id: Callable[[], str]
    folder: Path


class HeldRun:
    """A run between its offer and the moment its process is gone and accounted for."""

    def __init__(self, lease: LeaseInput, workplace: Workplace) -> None:
        self.lease = lease
        self.fence_seconds: float | None = None
        self._workplace = workplace
        self._launched: Launched | None = None
        self._cancelling: asyncio.Task[None] | None = None
        self._cancel_grace: int | None = None
        self._kill_at: float | None = None
        self._leaving: asyncio.Task[None] | None = None
        self._is_lost = False
        self._was_killed = False
        self._fenced_after: float | None = None
        self._renewed_at = seconds_since_boot()
        self.is_claimed = False
        self.was_claimed = False
        self.is_gone = asyncio.Event()

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.lease.run_id

    async def run(self) -> None:
        """Claim the run, execute it, and tell the server what its process cannot."""
        place = self._workplace
        self._renewed_at = seconds_since_boot()
        try:
            claim = await agents.claim(
                place.transport, session_id=place.session_id(), lease=self.lease
            )
        except LeaseLostError:
            logger.info("%s went elsewhere before it was claimed", self.run_id)
            return
        except ApiError as error:
            logger.warning("%s could not be claimed: %s", self.run_id, error)
            return
        self.is_claimed = self.was_claimed = True
        job = claim.job
        if job.get("onAgentLost") == "RETRY":
            self.fence_seconds = float(job.get("fenceSeconds") or 0) or None
        if job.get("missing"):
            await self._release("FAILED", job.get("refused") or _tell_missing(job["missing"]))
            return
        logger.info("%s starts: %s / %s", self.run_id, job.get("flowName"), job.get("runName"))
        try:
            await self._execute(claim)
        except Exception as error:
            logger.exception("%s: the agent failed", self.run_id)
            if self._launched is not None:
                self._launched.send_signal(signal.SIGKILL)
            await self._release("CRASHED", f"The agent could not run it: {error!r}")

    async def _execute(self, claim: Claim) -> None:
        place = self._workplace
        try:
            job = await self._filled(claim)
        except (RefusedError, BlockError) as error:
            message = f"Its job variables name a block that it cannot read: {error}"
            await self._release("FAILED", message)
            return
        try:
            environment = self._environment(job, claim)
            launched = await place.launcher.launch(
                job, environment=environment, folder=place.folder
            )
        except EnvironmentBuildError as error:
            await self._release("FAILED", str(error))
            return
        except (OSError, ForkServerLost, TimeoutError) as error:
            await self._release("CRASHED", f"The process could not be started: {error}")
            return
        self._launched = launched
        self._extend()
        if self._is_lost:
            launched.send_signal(signal.SIGKILL)
        self._stop_by_cancel()
        transport = place.transport.with_token(claim.run_token)
        reporter = OutputReporter(transport, flow_run_id=self.run_id)
        reporting = asyncio.create_task(
            reporter.run(stdout=launched.stdout, stderr=launched.stderr, secrets=launched.secrets)
        )
        try:
            code = await launched.process.wait()
        except ForkServerLost:
            launched.send_signal(signal.SIGKILL)
            code = -signal.SIGKILL
        launched.send_signal(signal.SIGKILL)
        self._be_stopped()
        await reporting
        self._launched = None
        launched.close()
        hooks = LastHooks(
            kinds=reporter.hooks,
            job=job,
            environment=environment,
            folder=place.folder,
            launcher=place.launcher,
            transport=transport,
            flow_run_id=self.run_id,
        )
        await self._account(code, hooks)

    async def _account(self, code: int, hooks: LastHooks) -> None:
        if self._is_lost:
            logger.info("%s was stopped: its lease went elsewhere", self.run_id)
        elif self._leaving is not None:
            logger.info("%s was over at the server; its process %s", self.run_id, _how(code))
        elif self._fenced_after is not None:
            await self._release(
                "CRASHED",
                f"The agent had no contact for {self._fenced_after:.0f} s and stopped the run "
                "before its fence.",
            )
        elif code == OUTCOME_KNOWN:
            logger.info("%s ended", self.run_id)
        elif self._cancel_grace is not None:
            message = f"Cancelled; its process {self._how_stopped(code)}."
            await self._release_with_hooks("CANCELLED", message, hooks)
        else:
            await self._release_with_hooks("CRASHED", f"The flow's process {_how(code)}.", hooks)

    async def _release_with_hooks(self, type_: str, message: str, hooks: LastHooks) -> None:
        """Have the hooks of an end called while the run's token speaks, and then release it."""
        await hooks.call(type_, message, holding=self._hold)
        if self._is_lost or self._leaving is not None:
            logger.info("%s went elsewhere, or was over, while its hooks were called", self.run_id)
            return
        await self._release(type_, message)

    def _be_stopped(self) -> None:
        """Stop nobody any more: the process is gone."""
        for stopping in (self._cancelling, self._leaving):
            if stopping is not None:
                stopping.cancel()

    def _hold(self, launched: Launched | None) -> None:
        self._launched = launched
        if launched is None:
            self._be_stopped()
        if self._is_lost and launched is not None:
            launched.send_signal(signal.SIGKILL)

    def _how_stopped(self, code: int) -> str:
        if self._was_killed and code == -signal.SIGKILL:
            return f"did not stop within {self._cancel_grace} s and was killed"
        return _how(code)

    def cancel(self, *, grace_seconds: int) -> None:
        """Ask the process to stop, and kill its group when the grace is over.

        Asked again, as it is with each heartbeat, only a sooner end counts.
        """
        kill_at = seconds_since_boot() + grace_seconds
        if self._kill_at is not None and kill_at >= self._kill_at:
            return
        self._kill_at, self._cancel_grace = kill_at, grace_seconds
        self._stop_by_cancel()

    def _stop_by_cancel(self) -> None:
        grace_seconds = self._cancel_grace
        if self._launched is None or grace_seconds is None:
            return
        logger.info("%s is being cancelled, %d s of grace", self.run_id, grace_seconds)
        if self._cancelling is None:
            self._launched.send_signal(signal.SIGTERM)
        else:
            self._cancelling.cancel()
        self._cancelling = asyncio.create_task(self._kill_after(grace_seconds))

    def tell_to_look(self) -> None:
        """Tell the process that something is asked of its run: it looks at its lease."""
        if self._launched is not None:
            self._launched.tell_to_look()

    def leave(self) -> None:
        """See to it that the process ends: the run is over at the server, whoever said so.

        A process that said so itself is about to end; one whose run was ended over its head, or
        given up while this agent was silent, is stopped.
        """
        if self._leaving is None and self._launched is not None:
            self._leaving = asyncio.create_task(self._leave_in_time())

    async def _leave_in_time(self) -> None:
        await asyncio.sleep(LEAVE_SECONDS)
        logger.warning("%s is over at the server; its process is stopped", self.run_id)
        if self._launched is not None:
            self._launched.send_signal(signal.SIGTERM)
        await self._kill_after(KILL_AFTER_SECONDS)

    def lose(self, reason: str) -> None:
        """Kill the process group and report nothing: the run is no longer this agent's."""
        if self._is_lost:
            return
        self._is_lost = True
        logger.warning("%s is lost (%s); its process is killed", self.run_id, reason)
        if self._launched is not None:
            self._launched.send_signal(signal.SIGKILL)

    def renewed(self, sent_at: float) -> None:
        """Note that the lease was renewed, by a call that was sent then."""
        self._renewed_at = max(self._renewed_at, sent_at)
        self._extend()

    def mind_fence(self) -> None:
        """Kill a run that another agent may start again, before it may.

        Counted from when the last renewal was sent. Its process is known to be gone then, so the
        server may hear of it.
        """
        silent = seconds_since_boot() - self._renewed_at
        if self.fence_seconds is None or silent <= self.fence_seconds * AGENT_SHARE:
            return
        if self._is_lost or self._fenced_after is not None or self._launched is None:
            return
        self._fenced_after = silent
        self.is_claimed = False
        logger.warning("%s: no contact for %.0f s, its fence is near", self.run_id, silent)
        self._launched.send_signal(signal.SIGKILL)

    def _extend(self) -> None:
        if self._launched is not None and self.fence_seconds is not None:
            self._launched.live_until(self._renewed_at + self.fence_seconds * OWN_SHARE)

    async def _kill_after(self, seconds: float) -> None:
        if self._launched is None:
            return
        await asyncio.sleep(seconds)
        logger.warning("%s did not stop in time; its process group is killed", self.run_id)
        self._was_killed = True
        self._launched.send_signal(signal.SIGKILL)

    async def _release(self, type_: str, message: str) -> None:
        logger.warning("%s: %s", self.run_id, message)
        place = self._workplace
        try:
            await agents.release(
                place.transport,
                session_id=place.session_id(),
                lease=self.lease,
                final_state={"type": type_, "message": message},
                deadline_seconds=RELEASE_PATIENCE_SECONDS,
            )
        except LeaseLostError:
            logger.info("%s had been accounted for already", self.run_id)
        except ApiError as error:
            logger.error("%s could not be released: %s", self.run_id, error)  # noqa: TRY400  said in full

    async def _filled(self, claim: Claim) -> dict[str, Any]:
        """Return the job with the blocks that its job variables name, and what is to be masked."""
        given: dict[str, Any] = claim.job.get("jobVariables") or {}
        transport = self._workplace.transport.with_token(claim.run_token)
        variables = await fill_blocks(given, transport=transport, lease=self.lease)
        if variables == given:
            return claim.job
        return {
            **claim.job,
            "jobVariables": variables,
            "redacted": changed_values(given, variables),
        }

    def _environment(self, job: Mapping[str, Any], claim: Claim) -> dict[str, str]:
        """Return the environment of the process: the agent's own, without its credentials."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("HEADGATE_") or name in PASSED_ON
        }
        variables: dict[str, Any] = job.get("jobVariables") or {}
        extra: dict[str, Any] = variables.get("env") or {}
        return {
            **kept,
            **{str(name): str(value) for name, value in extra.items()},
            **{name: os.environ.get(name, "") for name in OPERATORS_OWN},
            "HEADGATE_API_URL": self._workplace.transport.url,
            "HEADGATE_API_KEY": claim.run_token,
            "HEADGATE_WORKSPACE": str(claim.job.get("workspace", "")),
            "HEADGATE_FLOW_RUN_ID": self.run_id,
            "HEADGATE_LEASE_TOKEN": self.lease.lease_token,
            "HEADGATE_LEASE_EPOCH": str(self.lease.epoch),
        }


async def supersede(older: Iterable[HeldRun]) -> None:
    """Make way for a newer attempt: two processes of one run never work side by side here."""
    for run in older:
        run.lose("a newer attempt has come")
        await run.is_gone.wait()


def _tell_missing(names: list[str]) -> str:
    """Return why a run does not start whose parameters or job variables name what is not there."""
    listed = ", ".join(names)
    return (
        f"Its parameters or job variables name what does not exist: {listed}. Set it, as with "
        "`headgate variables set`, and start the run again."
    )


def _how(code: int) -> str:
    """Return how a process ended, in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    hint = " (out of memory?)" if -code == signal.SIGKILL else ""
    return f"was killed by {name}{hint}"
