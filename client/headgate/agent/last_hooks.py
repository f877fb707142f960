"""Has the hooks of a run called whose process is gone, before the server hears of its end."""

import asyncio
import logging
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.agent.environments import EnvironmentBuildError
from headgate.agent.launchers.process import Launched, ProcessLauncher
from headgate.agent.output import OutputReporter
from headgate.agent.warm_processes import ForkServerLost
from headgate.api.transport import Transport
from headgate.engine.last_hooks import MOST_SECONDS
from headgate.engine.whispers import HOOK_KINDS

logger = logging.getLogger("headgate.agent")


@dataclass(frozen=True, slots=True, kw_only=True)
class LastHooks:
    """What a process of a run has told of its hooks, and how another is started to call them.

    Args:
        kinds: of ``HOOK_KINDS``, which the flow has and its process has not called itself.
        job: the run's own, so that code and environment are the same.
        transport: with the run's token, which speaks until the run is released.
    """

    kinds: frozenset[int]
    job: Mapping[str, Any]
    environment: Mapping[str, str]
    folder: Path
    launcher: ProcessLauncher
    transport: Transport
    flow_run_id: str

    async def call(
        self, type_: str, message: str, *, holding: Callable[[Launched | None], None]
    ) -> None:
        """Call the hooks of an end, if there are any, for ``MOST_SECONDS`` at most.

        Args:
            type_: of the state that the run is about to enter.
            message: why it enters it.
            holding: told of the process while there is one, so that whoever stops the run stops it.
        """
        if HOOK_KINDS.get(type_) not in self.kinds:
            return
        job = {**self.job, "onAgentLost": None, "ending": {"type": type_, "message": message}}
        logger.info("%s: its hooks are called", self.flow_run_id)
        try:
            launched = await self.launcher.launch(
                job, environment=self.environment, folder=self.folder
            )
        except (OSError, ForkServerLost, TimeoutError, EnvironmentBuildError) as error:
            logger.warning("%s: its hooks could not be called: %s", self.flow_run_id, error)
            return
        holding(launched)
        try:
            await self._watch(launched)
        finally:
            holding(None)
            launched.close()

    async def _watch(self, launched: Launched) -> None:
        reporter = OutputReporter(self.transport, flow_run_id=self.flow_run_id)
        reporting = asyncio.create_task(
            reporter.run(stdout=launched.stdout, stderr=launched.stderr, secrets=launched.secrets)
        )
        try:
            async with asyncio.timeout(MOST_SECONDS):
                await launched.process.wait()
        except TimeoutError:
            logger.warning("%s: its hooks took more than %d s", self.flow_run_id, MOST_SECONDS)
        except ForkServerLost:
            logger.warning("%s: nobody knows what became of its hooks", self.flow_run_id)
        finally:
            launched.send_signal(signal.SIGKILL)
        await reporting
