"""The line of an operation: when it is written, and what it says."""

import logging

import pytest

from headgate_server.domain import ids
from headgate_server.http.access import Access
from headgate_server.telemetry.logs import stamp
from tests.backend.graphql.local_app import WORKSPACE, doorkeeper, local_app
from tests.fixtures.api import ApiClient

pytestmark = pytest.mark.anyio

TREE = {"query": "query Mine { tree { number } }"}
WRONG = {"query": "query Mine { tree { nothing } }"}


def api(*, slow_seconds: float = 60) -> ApiClient:
    return ApiClient(
        local_app(doorkeeper(), access=Access(slow_seconds=slow_seconds)), token="owner"
    )


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [
        (record.levelname, record.message)
        for record in caplog.records
        if record.name == "headgate.access"
    ]


async def test_a_quick_operation_is_told_when_debugging_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "headgate.access")

    await api().post(TREE)

    assert lines(caplog) == [("DEBUG", "tree ok")]


async def test_a_slow_operation_and_one_with_an_error_are_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "headgate.access")

    await api(slow_seconds=0).post(TREE)
    await api().post(WRONG)

    assert lines(caplog) == [("INFO", "tree ok"), ("INFO", "invalid BAD_REQUEST")]


async def test_a_line_names_the_request_the_operation_and_the_tenant(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "headgate.access")
    caplog.handler.addFilter(stamp)

    answer = await api(slow_seconds=0).post(TREE, x_request_id="r-1")

    caplog.handler.removeFilter(stamp)
    (record,) = (record for record in caplog.records if record.name == "headgate.access")
    said = record.__dict__
    assert answer.headers["x-request-id"] == said["request_id"] == "r-1"
    assert said["operation"] == "tree"
    assert str(said["workspace"]) == ids.show(ids.Kind.WORKSPACE, WORKSPACE)
    assert said["duration_ms"] > 0
    assert "run" not in said
