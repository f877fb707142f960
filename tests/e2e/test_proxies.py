"""SDK, command line and agent behind a proxy that opens TLS with a private authority."""

import json
from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal

from tests.client.cli.commands import Done, headgate
from tests.fixtures.installation import Installation, wait_online
from tests.fixtures.intercepting import HOST, InterceptingProxy, intercepting_proxy
from tests.fixtures.journeys import Journey

pytestmark = pytest.mark.e2e

URL = f"https://{HOST}"
FLOW = """
from headgate import flow, task

@task
def double(number):
    return 2 * number

@flow
def doubles():
    return double(21)
"""


@pytest.fixture(scope="module")
def proxy(
    shared: Installation, portal: BlockingPortal, tmp_path_factory: pytest.TempPathFactory
) -> Generator[InterceptingProxy]:
    """A proxy before the API of the installation."""
    folder = tmp_path_factory.mktemp("proxy")
    opened = intercepting_proxy(shared.apis[0].port, folder)
    with portal.wrap_async_context_manager(opened) as proxy:
        yield proxy


def environment(shared: Installation, proxy: InterceptingProxy, folder: Path) -> dict[str, str]:
    return {
        "HEADGATE_HOME": str(folder / "home"),
        "HEADGATE_API_URL": URL,
        "HEADGATE_API_KEY": shared.api_key,
        "HEADGATE_WORKSPACE": shared.workspace,
        **proxy.environment,
    }


def run(*arguments: str, folder: Path, environment: dict[str, str]) -> Done:
    return headgate(*arguments, environment=environment, folder=folder)


async def test_flow_reports_through_the_proxy(journey: Journey, proxy: InterceptingProxy) -> None:
    (journey.folder / "doubles.py").write_text(FLOW)
    given = environment(journey.installation, proxy, journey.folder)

    done = run("run", "doubles.py", "-o", "json", folder=journey.folder, environment=given)

    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert await journey.records.ended(told["id"]) == "Completed"
    assert await journey.records.task_states(told["id"]) == {"Completed": 1}
    assert set(proxy.asked) == {f"{HOST}:443"}


async def test_agent_runs_flows_over_a_socket_through_the_proxy(
    lonely: Journey, proxy: InterceptingProxy
) -> None:
    start = partial(lonely.installation.start_agent, pool=lonely.pool, name="behind", url=URL)
    more: dict[str, Any] = {**proxy.environment}
    agent = start(**more)
    wait_online(agent)

    run_id = await lonely.run("quick")

    assert await lonely.records.ended(run_id) == "Completed"
    assert await lonely.records.task_states(run_id) == {"Completed": 1}
    assert "Waiting for runs over websocket" in agent.log
    assert any(head.startswith("GET /graphql") for head in proxy.heads)
    assert agent.stop() == 0


def test_authority_that_is_not_trusted_is_said_with_what_to_do(
    shared: Installation, proxy: InterceptingProxy, tmp_path: Path
) -> None:
    given = environment(shared, proxy, tmp_path)
    del given["SSL_CERT_FILE"]

    done = run("status", folder=tmp_path, environment=given)

    assert done.code == 6
    assert "certificate verify failed" in done.err
    assert "SSL_CERT_FILE" in done.err


def test_proxy_that_is_away_is_named(
    shared: Installation, proxy: InterceptingProxy, tmp_path: Path
) -> None:
    given = {**environment(shared, proxy, tmp_path), "HTTPS_PROXY": "http://127.0.0.1:9"}

    done = run("status", folder=tmp_path, environment=given)

    assert done.code == 6
    assert "127.0.0.1:9" in done.err
