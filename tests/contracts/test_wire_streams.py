"""What the clients of every release opened and were told still works: recorded streams, done again.

A recording is made at a release, see ``tests/fixtures/wire_streams.py``, and never changed.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from aiohttp import ClientSession

from headgate.ids import make_id
from headgate.states import timestamp_now
from headgate_server.domain.ids import Kind, show
from headgate_server.services.bootstrap import bootstrap_dev
from tests.contracts.test_wire import resolve, unlike
from tests.factories.begun_runs import begin
from tests.factories.feeds import publish_all
from tests.factories.mutations import log_report, mutate
from tests.factories.tenants import Tenant
from tests.fixtures.api import Socket, open_socket, serve
from tests.fixtures.browsers import COOKIE, Browser
from tests.fixtures.installations import PEPPER, Installation
from tests.fixtures.wire_streams import BEARER, CARRIERS, FOLDER, type_of

pytestmark = pytest.mark.anyio

PAGES = {path.stem: json.loads(path.read_text()) for path in FOLDER.glob("*.browser.json")}
RECORDINGS = {
    path.stem: json.loads(path.read_text())
    for path in FOLDER.glob("*.json")
    if path.stem not in PAGES
}
WITHIN_SECONDS = 10.0
NEXT = b"event: next\ndata: "


@dataclass
class Stream:
    """What a stream brought so far, and how much of it was asked for."""

    messages: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    taken: set[int] = field(default_factory=set[int])
    grown: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, result: dict[str, Any]) -> None:
        assert "errors" not in result, result["errors"]
        self.messages.append(result["data"])
        self.grown.set()

    async def message(self, step: dict[str, Any]) -> dict[str, Any]:
        """Wait for a message as it was told then; of several kinds each counts once.

        Where there is one kind only, what was told apart then may come together.
        """
        wrong = list[str]()
        with suppress(TimeoutError):
            async with asyncio.timeout(WITHIN_SECONDS):
                while True:
                    self.grown.clear()
                    for number, data in enumerate(self.messages):
                        if step["type"] is None:
                            wrong = unlike(step["shape"], data) + lacking(step["shape"], data)
                        elif number not in self.taken and type_of(data) == step["type"]:
                            wrong = unlike(step["shape"], data)
                            self.taken.add(number)
                        else:
                            continue
                        if not wrong:
                            return data
                    await self.grown.wait()
        pytest.fail(f"{step['operation']} brought no {step['type'] or 'such message'}: {wrong}")


def lacking(expected: Any, found: Any, *, at: str = "data") -> list[str]:
    """Return which lists are empty now that were not then."""
    if isinstance(expected, dict):
        inner = cast("dict[str, Any]", expected)
        values = cast("dict[str, Any]", found if isinstance(found, dict) else {})
        return [
            wrong
            for key, shape in inner.items()
            for wrong in lacking(shape, values.get(key), at=f"{at}.{key}")
        ]
    return [f"{at} is empty"] if isinstance(expected, list) and expected and not found else []


@asynccontextmanager
async def reading(work: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """Read for the block; what was wrong with what came fails it."""
    task = asyncio.create_task(work)
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@asynccontextmanager
async def over_socket(
    address: str, step: dict[str, Any], *, token: str, payload: dict[str, Any]
) -> AsyncGenerator[Stream]:
    stream = Stream()
    async with open_socket(address) as socket:
        init = {**step["init"], "authorization": BEARER + token}
        await socket.send({"type": "connection_init", "payload": init})
        assert (await socket.receive())["type"] == "connection_ack"
        await socket.send({"id": "1", "type": "subscribe", "payload": payload})

        async def read() -> None:
            while (message := await socket.receive())["type"] == "next":
                stream.add(message["payload"])

        async with reading(read()):
            yield stream


@asynccontextmanager
async def over_events(
    address: str, step: dict[str, Any], *, token: str, payload: dict[str, Any]
) -> AsyncGenerator[Stream]:
    stream = Stream()
    headers = {"accept": "text/event-stream", "authorization": BEARER + token}
    async with (
        ClientSession() as session,
        session.post(f"http://{address}/graphql", json=payload, headers=headers) as response,
    ):
        assert response.content_type == "text/event-stream", await response.text()

        async def read() -> None:
            while event := (await response.content.readuntil(b"\n\n")).removesuffix(b"\n\n"):
                if event.startswith(NEXT):
                    stream.add(json.loads(event.removeprefix(NEXT)))

        async with reading(read()):
            yield stream


def test_both_carriers_are_recorded() -> None:
    carried = {
        (step["carrier"], step["operation"])
        for steps in RECORDINGS.values()
        for step in steps
        if step["kind"] == "open"
    }

    assert {(carrier, "AgentWork") for carrier in CARRIERS} <= carried
    assert {("websocket", "FlowRunUpdates"), ("websocket", "LogTail")} <= carried


@pytest.mark.parametrize("recording", RECORDINGS)
async def test_streams_of_a_released_client_work(
    recording: str, installation: Installation
) -> None:
    made = await bootstrap_dev(installation.database, pepper=PEPPER)
    answers, streams = list[Any](), dict[int, Stream]()

    async with serve(installation.app) as address, AsyncExitStack() as opened:
        for step in RECORDINGS[recording]:
            if step["kind"] == "message":
                answers.append(await streams[step["stream"]].message(step))
                continue
            known = {"key": made.secret, "run_id": make_id("run"), "now": timestamp_now()}
            token = resolve(step["token"], answers=answers, known=known)
            variables = resolve(step["variables"], answers=answers, known=known)
            if step["kind"] == "call":
                client = installation.holding(token)
                answer = await client.execute(step["document"], **variables)
                assert unlike(step["shape"], answer.data) == [], step["operation"]
                answers.append(answer.data)
                continue
            carry = over_socket if step["carrier"] == "websocket" else over_events
            payload = {"query": step["document"], "variables": variables}
            carried = carry(address, step, token=token, payload=payload)
            streams[step["stream"]] = await opened.enter_async_context(carried)
            answers.append({})


async def follow(
    socket: Socket, streams: list[dict[str, Any]], *, known: dict[str, str]
) -> dict[str, Stream]:
    """Subscribe to all that a page follows; what comes is read by ``reading``."""
    init = resolve(streams[0]["init"], answers=[], known=known)
    await socket.send({"type": "connection_init", "payload": init})
    assert (await socket.receive())["type"] == "connection_ack"
    for one in streams:
        payload = resolve(one["payload"], answers=[], known=known)
        await socket.send({"id": one["operation"], "type": "subscribe", "payload": payload})
    return {one["operation"]: Stream() for one in streams}


@pytest.mark.parametrize("recording", PAGES)
async def test_a_page_of_a_release_that_is_still_open_is_kept_up_to_date(
    recording: str, installation: Installation, tenant: Tenant, browser: Browser
) -> None:
    streams = PAGES[recording]
    api, place = await installation.client(tenant), {Kind.WORKSPACE: ""}
    place[Kind.WORKSPACE] = show(Kind.WORKSPACE, tenant.workspace_id)
    begun = await begin(api, place)
    run = installation.holding(begun["runToken"])
    viewer = await api.execute("{ viewer { organizations { nodes { slug } } } }")
    (organization,) = viewer.data["viewer"]["organizations"]["nodes"]
    known = {
        "organization": organization["slug"],
        "workspace": place[Kind.WORKSPACE],
        "run": place[Kind.FLOW_RUN],
    }

    cookie = f"{COOKIE}={browser.cookie}"
    async with (
        serve(installation.app) as address,
        open_socket(address, origin=f"http://{address}", cookie=cookie) as socket,
    ):
        found = await follow(socket, streams, known=known)

        async def read() -> None:
            while True:
                message = await socket.receive()
                if message["type"] == "next":
                    found[message["id"]].add(message["payload"])

        async with reading(read()):
            for type_ in ("RUNNING", "COMPLETED"):
                await mutate(
                    run,
                    "flowRunSetState",
                    "accepted",
                    id=known["run"],
                    state={"type": type_},
                    lease=begun["lease"],
                )
                if type_ == "RUNNING":
                    await mutate(run, "logsAppend", "nextOffset", **log_report(known["run"], None))
            await publish_all(installation.database)
            for one in streams:
                for shape in one["shapes"]:
                    step = {"operation": one["operation"], "type": None, "shape": shape}
                    await found[one["operation"]].message(step)
