"""``headgate explain``: why a run waits and what ends that, and what codes mean."""

import json

import pytest

from headgate import errors
from headgate.cli.explanations import BLOCKERS, ERRORS, EXITS
from headgate.cli.failures import ExitCode
from headgate_server.domain import errors as server_errors
from headgate_server.domain.blockers import BlockerCode
from tests.e2e.dev_server import DevServer


def client_codes(kind: type[errors.ApiError]) -> set[str]:
    return {kind.default_code}.union(*(client_codes(inner) for inner in kind.__subclasses__()))


def test_every_code_is_explained() -> None:
    kinds = [kind for kind in vars(server_errors).values() if isinstance(kind, type)]
    of_server = {kind.code for kind in kinds if issubclass(kind, server_errors.HeadgateError)}
    # It ends the server as it starts: no client sees it.
    seen = of_server - {"CONFIGURATION"} | client_codes(errors.ApiError)

    assert seen - set(ERRORS) == set()
    assert set(BLOCKERS) == set(BlockerCode)
    assert set(EXITS) == {str(code.value) for code in ExitCode}


@pytest.mark.e2e
def test_whole_chain_is_told_and_the_nearest_cause_ended(cli_server: DevServer) -> None:
    cli_server.here("work-pools", "create", "stuck")
    cli_server.here("deploy", "flows.py:pipeline", "--name", "stuck", "--pool", "stuck")
    run = cli_server.read("deployments", "run", "pipeline/stuck", "--name", "held-up")
    cli_server.here("work-pools", "pause", "stuck")

    told = cli_server.here("explain", "held-up")
    document = cli_server.read("explain", run["id"])
    unsure = cli_server.here("explain", "held-up", "--do")
    done = cli_server.here("explain", "held-up", "--do", "--yes")
    after = cli_server.here("explain", "held-up")
    helpless = cli_server.here("explain", "held-up", "--do", "--yes")
    cli_server.here("flow-runs", "cancel", run["id"])
    over = cli_server.here("explain", "held-up")

    causes = [one["code"] for one in document["whyNotRunning"]]
    assert causes == ["POOL_PAUSED", "NO_AGENT"]
    lines = told.out.splitlines()
    assert lines[0].startswith("held-up is ")
    assert [line.split(",")[0] for line in lines if line[:1].isdigit()] == [
        "1. POOL_PAUSED",
        "2. NO_AGENT",
    ]
    assert "   What helps: Resume the pool (--do)." in lines
    assert "   What helps: `headgate agent start --pool stuck`" in lines
    assert (unsure.code, done.code) == (2, 0)
    assert "Done: Resume the pool.\n" in done.err
    assert "POOL_PAUSED" not in after.out
    assert (helpless.code, "headgate agent start --pool stuck" in helpless.err) == (1, True)
    assert (over.out, over.err) == ("", "Nothing holds held-up up: it is Cancelled.\n")


@pytest.mark.e2e
def test_code_is_explained_without_a_server(cli_server: DevServer) -> None:
    known = cli_server.here("explain", "no-agent", HEADGATE_API_URL="")
    exit_code = json.loads(cli_server.here("explain", "7", "-o", "json").out)
    unknown = cli_server.here("explain", "NO_AGNT")

    assert "headgate agent start --pool POOL" in known.out
    assert exit_code["meaning"] == "The run did not complete."
    assert unknown.code == 4
