"""What a server that is older than this client does not know: it is asked as it was before."""

from collections.abc import Callable, Sequence

import pytest
from aiohttp import web

from headgate.api.calls import change_or_make
from headgate.api.transport import Transport
from headgate.errors import ApiError, NotFoundError, TooLargeError
from tests.client.recording_server import RecordingServer


def not_found(*path: str) -> web.Response:
    error = {"code": "NOT_FOUND", "message": "No such object", "path": path}
    return web.json_response({"data": {"variableSet": {"errors": [error]}}})


def unknown_field() -> web.Response:
    error = {"message": "Field 'idempotencyKey' is not defined by type 'VariableSetInput'."}
    return web.json_response({"data": None, "errors": [error]}, status=400)


async def make(server: RecordingServer, answers: Sequence[web.Response]) -> int:
    """Make a variable, and return how many calls it took."""
    left = iter(answers)
    asked: list[str] = []

    def answer(operation: str) -> web.Response:
        asked.append(operation)
        return next(left)

    server.fault = answer
    transport = Transport(server.url, "token")
    try:
        await change_or_make(transport, "variables", "VariableSet", input={}, is_new=True)
    finally:
        await transport.close()
    return len(asked)


@pytest.mark.parametrize("refusal", [not_found, unknown_field])
async def test_server_that_knows_no_way_to_say_so_is_asked_without_it(
    recording_server: RecordingServer, refusal: Callable[[], web.Response]
) -> None:
    done = web.json_response({"data": {"variableSet": {"errors": []}}})

    assert await make(recording_server, [refusal(), done]) == 2


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(not_found("typeSlug"), NotFoundError), (web.Response(status=413), TooLargeError)],
)
async def test_what_an_older_server_would_not_mean_is_told_at_once(
    recording_server: RecordingServer, answer: web.Response, kind: type[ApiError]
) -> None:
    with pytest.raises(kind):
        await make(recording_server, [answer])
