"""The typed client of scripts, awaited and blocking, against a real server."""

import inspect
from pathlib import Path

import pytest

from headgate.client import Client, SyncClient, get_client
from headgate.errors import NotFoundError, SettingsError
from tests.fixtures.installation import Installation
from tests.fixtures.journeys import Journey

pytestmark = pytest.mark.e2e


@pytest.fixture
def configured(shared: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is configured for the installation."""
    monkeypatch.setenv("HEADGATE_API_URL", shared.url)
    monkeypatch.setenv("HEADGATE_API_KEY", shared.api_key)
    monkeypatch.setenv("HEADGATE_WORKSPACE", shared.workspace)
    monkeypatch.setenv("HEADGATE_HOME", str(tmp_path / "home"))


@pytest.mark.usefixtures("configured")
async def test_run_is_made_followed_and_read(journey: Journey) -> None:
    stored = await journey.deploy("held")
    journey.open()
    async with get_client() as client:
        deployment = await client.read_deployment_by_name(f"held/{stored.name}")
        made = await client.create_flow_run_from_deployment(deployment.id, name="by-a-script")
        await journey.records.ended(made.id)

        run = await client.read_flow_run(made.id)
        tasks = await client.read_task_runs(made.id)
        named = await client.read_flow_runs(filter={"name": {"eq": "by-a-script"}})
        lines = await client.read_logs(made.id, limit=2)

        assert (run.state.name, run.name) == ("Completed", "by-a-script")
        assert [task.task_key for task in tasks] == ["double", "double"]
        assert [one.id for one in named] == [made.id]
        assert [line.message for line in lines] == ["before the gate", "after the gate"]
        assert (await client.execute("{ serverInfo { version } }"))["serverInfo"]["version"]
        await client.delete_flow_run(made.id)
        with pytest.raises(NotFoundError):
            await client.read_flow_run(made.id)


@pytest.mark.usefixtures("configured")
def test_blocking_client_has_every_method_and_waits() -> None:
    with get_client(sync_client=True) as client:
        pools = client.read_work_pools()
        with pytest.raises(NotFoundError, match="There is no deployment 'no/such'"):
            client.read_deployment_by_name("no/such")

    assert "default" in [pool.name for pool in pools]
    public = {name for name, _ in inspect.getmembers(Client, inspect.iscoroutinefunction)}
    assert {name for name in public if not name.startswith("_")} <= set(dir(SyncClient))


def test_client_without_a_server_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADGATE_API_URL", "")
    monkeypatch.setenv("HEADGATE_WORKSPACE", "acme/prod")

    with pytest.raises(SettingsError, match="No server is configured"):
        get_client()
