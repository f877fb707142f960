"""A large map against the server as anybody starts it: nothing is lost, the record is prompt."""

import json
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from headgate.api import flow_runs
from headgate_server.database.urls import DatabaseUrls
from tests.fixtures.deadlines import eventually
from tests.fixtures.installation import Installation
from tests.fixtures.journeys import FLOWS, Journey, set_out
from tests.fixtures.network import free_port

TASKS = 5_000
RECORDED_SECONDS = 2.0
SCRIPT = f"from user_flows import maps; import sys; assert maps(sys.argv[1], {TASKS}) == 24_995_000"


@pytest.fixture
async def dev(tmp_path: Path) -> AsyncGenerator[Journey]:
    """``headgate-server dev`` with its defaults, and a way through it."""
    data_dir = tmp_path / "data"
    with Installation(tmp_path / "site", DatabaseUrls("", "", ""), "", timers={}) as site:
        command = [sys.executable, "-m", "headgate_server", "dev", "--no-agent"]
        server = site.start(
            "dev", [*command, "--port", str(free_port()), "--data-dir", str(data_dir)]
        )
        await eventually((data_dir / "dev.json").exists, within_seconds=60, what=server.name)
        found = json.loads((data_dir / "dev.json").read_text())
        site.url, site.api_key = found["url"], found["api_key"]
        site.workspace = f"{found['organization']}/{found['workspace']}"
        journey = await set_out(site, tmp_path, pool="default")
        yield journey
        await journey.close()
        assert server.stop() == 0


async def test_five_thousand_mapped_tasks_are_all_recorded_when_the_flow_returns(
    dev: Journey,
) -> None:
    script = dev.installation.start(
        "script",
        [sys.executable, "-c", SCRIPT, str(dev.folder)],
        HEADGATE_HOME=str(dev.folder / "home"),
        PYTHONPATH=str(FLOWS.parent),
        HEADGATE_API_URL=dev.installation.url,
        HEADGATE_API_KEY=dev.installation.api_key,
        HEADGATE_WORKSPACE=dev.installation.workspace,
    )
    ended = await dev.executed_by_anyone("ended", within_seconds=90)

    states: dict[str, str] = {}
    async for update in flow_runs.updates(dev.transport, flow_run_id=ended.run_id):
        states |= {task.id: task.state.name for task in update.task_runs}
    run = await flow_runs.get(dev.transport, flow_run_id=ended.run_id)

    assert script.wait() == 0
    assert Counter(states.values()) == {"Completed": TASKS}
    assert run.state.name == "Completed"
    assert run.ended_at is not None
    assert run.ended_at.timestamp() - ended.at <= RECORDED_SECONDS
