"""Spans of real processes at a receiver that speaks OTLP: what they say, and what they do not."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import pytest

from headgate_server.database.urls import DatabaseUrls
from tests.fixtures.databases import SECRET_KEY
from tests.fixtures.installation import TIMERS, Installation, wait_online
from tests.fixtures.journeys import set_out
from tests.fixtures.network import free_port
from tests.fixtures.otlp import Receiver, receiving

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CREATE = """mutation ($input: FlowRunCreateInput!) {
  flowRunCreate(input: $input) { flowRun { id } errors { message } }
}"""


@pytest.fixture
def receiver() -> Generator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def site(
    urls: DatabaseUrls, redis_url: str, tmp_path: Path, receiver: Receiver
) -> Generator[Installation]:
    settings = {**TIMERS, **receiver.environment}
    with Installation(tmp_path / "site", urls, redis_url, settings) as site:
        yield site


def call(site: Installation, document: str, variables: object, *, is_traced: bool) -> Any:
    headers = {"Authorization": f"Bearer {site.api_key}", "Content-Type": "application/json"}
    if is_traced:
        headers |= {"traceparent": f"00-{TRACE}-{SPAN}-01", "x-request-id": "asked-once"}
    request = urllib.request.Request(  # noqa: S310  loopback
        f"{site.url}/graphql",
        json.dumps({"query": document, "variables": variables}).encode(),
        headers,
    )
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310  loopback
        return json.load(answer)


async def test_a_trace_goes_from_the_caller_through_server_and_agent_into_the_run(
    site: Installation, receiver: Receiver, tmp_path: Path
) -> None:
    await site.make_tenant()
    site.start_scheduler()
    site.start_api()
    wait_online(site.start_agent())
    journey = await set_out(site, tmp_path, pool="default")
    deployment = await journey.deploy("quick")

    wanted = {"workspaceId": journey.workspace_id, "deploymentId": deployment.id}
    answer = call(site, CREATE, {"input": wanted}, is_traced=True)
    run_id = answer["data"]["flowRunCreate"]["flowRun"]["id"]
    assert await journey.records.ended(run_id) == "Completed"
    created = await receiver.one("flowRunCreate", workspace=journey.workspace_id)
    flow = await receiver.one("quick", flow_run=run_id)
    task = await receiver.one("double", state="Completed")
    claim = await receiver.one("runClaim")
    offer = await receiver.one("offer runs", runs=[run_id])
    published = await receiver.one("loop outbox")
    started = await receiver.one("flowRunSetState", run=run_id)

    assert (created.trace_id, created.parent_id) == (TRACE, SPAN)
    assert created.attributes["headgate.request_id"] == "asked-once"
    assert created.attributes["headgate.root_fields"] == ["flowRunCreate"]
    assert created.attributes["headgate.cost"] > 0
    assert created.attributes["headgate.statements"] > 0
    assert created.attributes["headgate.statement_seconds"] > 0
    assert (flow.trace_id, flow.parent_id) == (TRACE, created.span_id)
    assert (task.trace_id, task.parent_id) == (TRACE, flow.span_id)
    assert (started.trace_id, started.parent_id) == (TRACE, flow.span_id)
    assert {created.service, offer.service, published.service} == {"headgate-server"}
    assert {flow.service, task.service} == {"headgate"}
    assert claim.parent_id == offer.parent_id == published.parent_id == ""
    assert not [span.name for span in receiver.spans if span.is_error]
    await journey.close()
    says_nothing_secret(receiver, site, journey.folder)


def says_nothing_secret(receiver: Receiver, site: Installation, parameter: Path) -> None:
    everything = b"".join(receiver.requests)
    assert b"runClaim" in everything
    for secret in (site.api_key, SECRET_KEY, "hg_ses_", "hg_run_", str(parameter)):
        assert secret.encode() not in everything


async def test_a_refused_operation_is_a_span_with_the_code_of_its_error(
    site: Installation, receiver: Receiver
) -> None:
    await site.make_tenant()
    site.start_api()

    call(site, '{ node(id: "nonsense with a secret") { id } }', {}, is_traced=False)
    span = await receiver.one("node")

    assert span.is_error
    assert span.attributes["error.type"] == "INVALID"
    assert b"nonsense" not in b"".join(receiver.requests)


async def test_a_run_that_fails_is_a_span_with_its_state_and_without_its_message(
    receiver: Receiver, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from headgate import flow\n\n@flow\ndef broken(word):\n    raise ValueError(word)\n\n"
        "broken('a secret word', return_state=True)\n"
    )

    run_script(tmp_path, script, {"TRACEPARENT": f"00-{TRACE}-{SPAN}-01", **receiver.environment})
    span = await receiver.one("broken")

    assert (span.trace_id, span.parent_id, span.is_error) == (TRACE, SPAN, True)
    assert span.attributes["error.type"] == span.attributes["headgate.state"] == "Failed"
    assert b"a secret word" not in b"".join(receiver.requests)


def run_script(folder: Path, script: Path, environment: Mapping[str, str]) -> str:
    ended = subprocess.run(
        [sys.executable, str(script)],
        env={"HEADGATE_HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return ended.stdout


def test_without_the_variables_nothing_of_opentelemetry_is_imported(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nimport headgate_server.app\nfrom headgate import flow\n\n"
        "@flow\ndef quick():\n    pass\n\nquick()\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])\n"
    )

    said = run_script(tmp_path, script, {})
    disabled = run_script(
        tmp_path,
        script,
        {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
    )

    assert said.splitlines()[-1] == disabled.splitlines()[-1] == "[]"


def test_a_protocol_that_is_not_here_is_named(tmp_path: Path) -> None:
    wanted = {"OTEL_EXPORTER_OTLP_ENDPOINT": "x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    code = (
        "from headgate_server.telemetry.traces import open_tracer\n"
        "try:\n    open_tracer(is_wanted=True)\nexcept Exception as error:\n    print(error)\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code)

    said = run_script(tmp_path, script, wanted)

    assert said.startswith("OTEL_EXPORTER_OTLP_PROTOCOL is http/protobuf, not 'grpc'")


async def test_a_receiver_that_is_away_holds_neither_calls_nor_the_end_up(
    site: Installation, tmp_path: Path
) -> None:
    await site.make_tenant()
    site.timers = {
        **TIMERS,
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}",
    }
    api = site.start_api()
    agent = site.start_agent()
    wait_online(agent)
    journey = await set_out(site, tmp_path, pool="default")

    run_id = await journey.run("quick")

    assert await journey.records.ended(run_id) == "Completed"
    await journey.close()
    for process in (agent, api.process):
        assert process.stop() == 0
