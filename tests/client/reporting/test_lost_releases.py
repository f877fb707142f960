"""A lock of a cache key whose end the server did not hear of: it is told again."""

from typing import Any

import pytest
from aiohttp import web

from headgate import flow, task
from headgate.cache_policies import INPUTS
from tests.client.recording_server import RecordingServer
from tests.fixtures.deadlines import eventually_sync

Json = dict[str, Any]


@pytest.mark.parametrize(("fails", "tells"), [(True, "Release"), (False, "Write")])
def test_a_lock_of_a_cache_key_ends_before_its_run_once_the_server_is_back(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch, tells: str, *, fails: bool
) -> None:
    monkeypatch.setenv("HEADGATE_REQUEST_DEADLINE_SECONDS", "0")
    claim: Json = {"record": None, "locked": True, "lockedUntil": None, "holderRunId": None}
    answers: dict[str, Json] = {
        "Claim": {**claim, "errors": []},
        "Release": {"released": True, "errors": []},
        "Write": {"record": None, "errors": []},
    }
    told: list[str] = []

    def keep(operation: str) -> web.Response | None:
        name = operation.removeprefix("CacheRecord")
        if name not in answers:
            return None
        told.append(name)
        if name == tells and told.count(name) < 3:
            return web.Response(status=503)
        return web.json_response({"data": {f"cacheRecord{name}": answers[name]}})

    @task(cache_policy=INPUTS.configure(isolation_level="SERIALIZABLE"))
    def compute(x: int) -> int:
        if fails:
            raise ValueError
        return x

    @flow
    def work() -> str:
        server.fault = keep
        ended = compute(1, return_state=True).name
        eventually_sync(lambda: told.count(tells) == 3, what="The end of the lock")
        return ended

    assert work() == ("Failed" if fails else "Completed")
    assert told == ["Claim", tells, tells, tells]
    assert server.only_run().type == "COMPLETED"
