"""Forks of a real warm interpreter: fast, each alone, and true to the code as it is now."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from headgate.agent.launchers.process import Launched, ProcessLauncher
from headgate.engine.fence import seconds_since_boot
from headgate.engine.lifeline import OUTCOME_KNOWN
from tests.fixtures.deadlines import eventually

pytestmark = pytest.mark.anyio

FLOWS = """
import os
import signal
import sys
from pathlib import Path

from headgate import flow

OUT = Path(os.environ["OUT"])

@flow
def tell(what: str = "version 1"):
    OUT.write_text(what)

@flow
def spoil():
    os.chdir("/")
    os.environ["SPOILT"] = "yes"
    sys.path.insert(0, "/spoilt")
    import json
    json.dumps = None
    OUT.write_text("spoilt")

@flow
def look():
    import json
    OUT.write_text(f"{os.getcwd()} {os.environ.get('SPOILT')} {'/spoilt' in sys.path} "
                   f"{json.dumps(1)} {os.getpgrp() == os.getpid()}")

@flow
def killed():
    os.kill(os.getpid(), signal.SIGKILL)

@flow
def leaves():
    os._exit(7)

@flow
def waits():
    OUT.write_text("waits")
    signal.pause()

@flow
def imports():
    import a_module_of_the_job
    OUT.write_text(a_module_of_the_job.NAME)
"""


@pytest.fixture
async def launcher() -> AsyncGenerator[ProcessLauncher]:
    warm = ProcessLauncher()
    yield warm
    await warm.stop()


class Place:
    """A folder with flows, and what they write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder / "out"
        self.flows = folder / "flows.py"
        self.flows.write_text(FLOWS)

    async def launch(
        self,
        launcher: ProcessLauncher,
        flow: str,
        *,
        environment: dict[str, str] | None = None,
        on_agent_lost: str = "CRASH",
    ) -> Launched:
        job: dict[str, Any] = {
            "flowName": flow,
            "entrypoint": f"{self.flows}:{flow}",
            "onAgentLost": on_agent_lost,
        }
        base = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        given = {**base, "OUT": str(self.out), "HEADGATE_HOME": str(self.folder / "home")}
        return await launcher.launch(
            job, environment={**given, **(environment or {})}, folder=self.folder
        )

    async def run(
        self, launcher: ProcessLauncher, flow: str, *, environment: dict[str, str] | None = None
    ) -> int:
        launched = await self.launch(launcher, flow, environment=environment)
        code = await launched.process.wait()
        os.close(launched.stdout)
        os.close(launched.stderr)
        return code


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


async def test_what_one_run_spoils_the_next_one_does_not_see(
    launcher: ProcessLauncher, place: Place
) -> None:
    assert await place.run(launcher, "spoil") == OUTCOME_KNOWN
    assert await place.run(launcher, "look") == OUTCOME_KNOWN

    assert place.out.read_text() == f"{place.folder} None False 1 True"


async def test_code_edited_between_two_runs_is_seen(
    launcher: ProcessLauncher, place: Place
) -> None:
    await place.run(launcher, "tell")
    place.flows.write_text(FLOWS.replace("version 1", "version 2"))
    await place.run(launcher, "tell")

    assert place.out.read_text() == "version 2"


async def test_the_way_a_process_ends_is_told(launcher: ProcessLauncher, place: Place) -> None:
    assert await place.run(launcher, "killed") == -signal.SIGKILL
    assert await place.run(launcher, "leaves") == 7


async def test_the_jobs_own_import_path_counts(launcher: ProcessLauncher, place: Place) -> None:
    modules = place.folder / "modules"
    modules.mkdir()
    (modules / "a_module_of_the_job.py").write_text("NAME = 'found'\n")

    code = await place.run(launcher, "imports", environment={"PYTHONPATH": str(modules)})

    assert (code, place.out.read_text()) == (OUTCOME_KNOWN, "found")


async def test_a_lost_fork_server_is_replaced_with_the_next_run(
    launcher: ProcessLauncher, place: Place
) -> None:
    await place.run(launcher, "tell")
    server_pid = launcher.warm_server_pid
    assert server_pid is not None
    os.kill(server_pid, signal.SIGKILL)
    await eventually(lambda: launcher.warm_server_pid is None, what="The loss")

    assert await place.run(launcher, "tell") == OUTCOME_KNOWN


async def test_a_cold_start_does_the_same(place: Place) -> None:
    cold = ProcessLauncher(is_warm=False)

    assert await place.run(cold, "look") == OUTCOME_KNOWN

    assert place.out.read_text() == f"{place.folder} None False 1 True"


@pytest.mark.parametrize("mode", ["warm", "cold"])
async def test_a_process_kills_itself_at_the_last_deadline_it_was_given(
    place: Place, mode: str
) -> None:
    launcher = ProcessLauncher(is_warm=mode == "warm")
    launched = await place.launch(launcher, "waits", on_agent_lost="RETRY")
    await eventually(place.out.exists, what="The flow")
    ending = asyncio.ensure_future(launched.process.wait())

    launched.live_until(seconds_since_boot() + 3600)
    launched.live_until(seconds_since_boot() + 3601)
    assert not (await asyncio.wait({ending}, timeout=0.2))[0]
    launched.live_until(seconds_since_boot() + 0.3)

    assert await asyncio.wait_for(ending, 10) == -signal.SIGKILL
    assert b"silent for too long" in os.read(launched.stderr, 65_536)
    await launcher.stop()
