"""``headgate flow-runs set-state``: a run is ended by hand, or its end is corrected."""

import json

import pytest

from tests.e2e.dev_server import DevServer

pytestmark = pytest.mark.e2e


def test_end_is_corrected_by_force_and_for_a_reason(cli_server: DevServer) -> None:
    outcome = json.loads(
        cli_server.headgate("run", "flows.py:pipeline", "-p", "sign=-1", "-o", "json").out
    )
    before = cli_server.read("flow-runs", "get", outcome["id"])
    words = ("flow-runs", "set-state", outcome["id"], "completed")

    refused = [cli_server.here(*words), cli_server.here(*words, "--force")]
    done = cli_server.read(*words, "--force", "--reason", "stored by hand")

    assert [one.code for one in refused] == [5, 5]
    assert all("with force and a reason" in one.err for one in refused)
    assert (done["state"]["name"], done["state"]["message"]) == ("Completed", "stored by hand")
    assert (done["endedAt"], done["attempt"]) == (before["endedAt"], before["attempt"])
    assert before["state"]["name"] == "Failed"


def test_run_that_waits_is_ended_by_force(cli_server: DevServer) -> None:
    run = cli_server.read("deployments", "run", "pipeline/test")

    done = cli_server.read("flow-runs", "set-state", run["id"], "failed", "--force")
    unknown = cli_server.here("flow-runs", "set-state", run["id"], "pending")

    assert done["state"]["name"] == "Failed"
    assert (unknown.code, "Choose from" in unknown.err) == (2, True)
