"""A server end on a real socket: it speaks the API's side of a run and keeps all it was told."""

import asyncio
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from aiohttp import WSMsgType, web

from headgate.ids import make_id
from headgate.reporting.leftovers import Teller, replay_leftovers

TERMINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
INSTANT = "2026-11-23T02:00:00.000000Z"

Variables = dict[str, Any]
Fault = Callable[[str], web.Response | None]


@dataclass
class RecordedRun:
    """A flow run as the server knows it."""

    id: str
    name: str
    token: str
    lease_token: str
    input: Variables = field(default_factory=dict[str, Any])
    states: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    details: list[Any] = field(default_factory=list[Any])
    tasks: dict[str, Variables] = field(default_factory=dict[str, Variables])
    logs: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    streams: dict[str, int] = field(default_factory=dict[str, int])
    retries_used: int = 0
    is_lost: bool = False
    is_cancel_requested: bool = False
    tasks_at_end: int = -1
    logs_at_end: int = -1

    @property
    def type(self) -> str:
        """The type of the state it is in."""
        return self.states[-1][0]


@dataclass(frozen=True)
class Call:
    """One operation that was asked for."""

    operation: str
    variables: Variables
    token: str


class RecordingServer:
    """Runs on a thread of its own; what it recorded may be read from the test's thread."""

    def __init__(self) -> None:
        self.runs: dict[str, RecordedRun] = {}
        self.calls: list[Call] = []
        self.fault: Fault | None = None
        self.coalesced_into = ""
        self.is_away = False
        self.drop_next_answer = False
        self.refuses_sockets = False
        self.refused_state_names: set[str] = set()
        self.log_limit: int | None = None
        self.body_limit = 8 * 1024 * 1024
        self.subscriptions: list[list[Variables]] = []
        self.sockets: list[Variables] = []
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.url = ""

    def start(self) -> None:
        """Open the socket."""
        self._thread.start()
        assert self._ready.wait(10)

    def stop(self) -> None:
        """Close it and end the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def replay(self, home: Path, teller: Teller | None = None) -> None:
        """Deliver what processes left in a home, as the next process there does."""
        asyncio.run_coroutine_threadsafe(replay_leftovers(home, teller), self._loop).result(10)

    def operations(self) -> list[str]:
        """Name the operations in the order in which they were asked for."""
        return [call.operation for call in self.calls]

    def only_run(self) -> RecordedRun:
        """Return the one run there is."""
        (run,) = self.runs.values()
        return run

    def add_run(self, *, state: tuple[str, str] = ("PENDING", "Pending")) -> RecordedRun:
        """Create a run that an agent claimed, for a child process to execute."""
        run = RecordedRun(make_id("run"), "given-run", make_id("token"), make_id("lease"))
        run.states.append(state)
        self.runs[run.id] = run
        return run

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner = self._loop.run_until_complete(self._open())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _open(self) -> web.AppRunner:
        application = web.Application(client_max_size=8 * 1024 * 1024)
        application.router.add_post("/graphql", self._post)
        application.router.add_get("/graphql", self._socket)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = cast("Any", site)._server.sockets[0].getsockname()[:2]  # noqa: SLF001 - aiohttp tells the port nowhere else
        self.url = f"http://{host}:{port}"
        return runner

    async def _post(self, request: web.Request) -> web.StreamResponse:
        text = await request.read()
        body = json.loads(text)
        operation = body["operationName"]
        if self.is_away:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if len(text) > self.body_limit:
            return web.Response(status=413, text=f"More than {self.body_limit} bytes")
        answer = self.fault(operation) if self.fault else None
        if answer is not None:
            return answer
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token == "wrong":
            error = {"message": "Bad token", "extensions": {"code": "UNAUTHENTICATED"}}
            return web.json_response({"errors": [error]}, status=401)
        self.calls.append(Call(operation, body["variables"], token))
        handler = getattr(self, f"_on_{operation}")
        data = handler(body["variables"], token)
        if self.drop_next_answer:
            self.drop_next_answer = False
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"data": data})

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("graphql-transport-ws",))
        await socket.prepare(request)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            frame = json.loads(message.data)
            if frame["type"] == "connection_init":
                self.sockets.append({"protocol": socket.ws_protocol, **frame["payload"]})
                authorization = frame["payload"].get("authorization", "")
                if self.refuses_sockets or "wrong" in authorization:
                    await socket.close(code=4403)
                    break
                await socket.send_json({"type": "connection_ack"})
            elif frame["type"] == "subscribe":
                for data in self.subscriptions.pop(0):
                    payload = {"data": data}
                    await socket.send_json({"id": frame["id"], "type": "next", "payload": payload})
                await socket.send_json({"id": frame["id"], "type": "complete"})
        return socket

    def _on_Workspace(self, variables: Variables, token: str) -> Variables:  # noqa: N802 - the operation's name
        return {"workspace": {"id": "ws_1", "slug": variables["workspace"], "name": "W"}}

    def _on_FlowRunBegin(self, variables: Variables, token: str) -> Variables:  # noqa: N802 - the operation's name
        given = variables["input"]
        parent_id = given.get("parentTaskRunId")
        if parent_id and not any(parent_id in run.tasks for run in self.runs.values()):
            error = {
                "code": "NOT_FOUND",
                "message": "No such task run",
                "path": ["parentTaskRunId"],
            }
            return {"flowRunBegin": {"errors": [error]}}
        run = self.runs.get(given.get("id", ""))
        if run is None:
            run = self.add_run()
            if "id" in given:
                del self.runs[run.id]
                run.id, run.lease_token = given["id"], given["leaseToken"]
                self.runs[run.id] = run
        run.input = given
        lease = {"runId": run.id, "epoch": 1, "expiresAt": INSTANT}
        answer: Variables = {
            "flowRun": {"id": run.id, "name": run.input.get("name", "made-up")},
            "flowId": "flow_1",
            "lease": lease,
            "leaseToken": run.lease_token,
            "runToken": run.token,
            "leaseExpiresAt": INSTANT,
            "errors": [],
        }
        return {"flowRunBegin": answer}

    def _on_FlowRunStart(self, variables: Variables, token: str) -> Variables:  # noqa: N802 - the operation's name
        parent_id = variables["input"].get("parentTaskRunId")
        if parent_id and not any(parent_id in run.tasks for run in self.runs.values()):
            message = "No such task run to be the parent."
            error = {"code": "NOT_FOUND", "message": message, "path": ["parentTaskRunId"]}
            return {"flowRunStart": {"run": None, "duplicate": False, "errors": [error]}}
        started = {"id": make_id("run"), "name": "started", "state": self._first_state()}
        return {"flowRunStart": {"run": started, "duplicate": False, "errors": []}}

    def _first_state(self) -> Variables:
        state: Variables = {"type": "COMPLETED", "name": "Completed", "timestamp": INSTANT}
        if self.coalesced_into:
            collision = {"policy": "COALESCE", "runs": [self.coalesced_into]}
            state |= {"type": "CANCELLED", "name": "Cancelled", "details": {"collision": collision}}
        return state

    def _on_FlowRunCreate(self, variables: Variables, token: str) -> Variables:  # noqa: N802 - the operation's name
        made = {"id": make_id("run"), "name": "made", "state": self._first_state()}
        made |= {"flow": {"id": "flow_1", "name": "flow"}, "tags": [], "parameters": {}}
        return {"flowRunCreate": {"flowRun": made, "duplicate": False, "errors": []}}

    def _on_FlowRun(self, variables: Variables, token: str) -> Variables:  # noqa: N802 - the operation's name
        state = self._first_state()
        if variables["id"] == self.coalesced_into:
            state = {"type": "COMPLETED", "name": "Completed", "timestamp": INSTANT}
        found: Variables = {"id": variables["id"], "name": "other", "state": state, "tags": []}
        return {"flowRun": {**found, "flow": {"id": "flow_1", "name": "flow"}, "parameters": {}}}

    def _on_FlowRunStarted(self, variables: Variables, token: str) -> Variables:  # noqa: N802 - the operation's name
        state = {"type": "CANCELLED", "name": "Cancelled", "timestamp": INSTANT}
        started = {"id": variables["id"], "name": "started", "state": state}
        ended = {**state, "type": "COMPLETED", "name": "Completed"}
        other = {"id": self.coalesced_into, "name": "other", "state": ended}
        return {"flowRunStarted": {**started, "coalescedInto": other}}

    def _on_FlowRunSetState(self, variables: Variables, token: str) -> Variables:  # noqa: N802 - the operation's name
        wanted = variables["input"]["state"]
        run = self.runs[variables["input"]["id"]]
        errors = self._refusals(run, token=token)
        if run.type in TERMINAL:
            errors.append({"code": "ILLEGAL_TRANSITION", "message": f"It is {run.type}"})
        if wanted["name"] in self.refused_state_names:
            errors.append({"code": "INVALID", "message": "It is another type's name"})
        if not errors:
            self._enter(run, wanted)
        type_, name = run.states[-1]
        state = {"id": "st_1", "type": type_, "name": name, "message": None, "timestamp": INSTANT}
        state |= {"sequence": len(run.states), "details": None}
        return {"flowRunSetState": {"accepted": not errors, "state": state, "errors": errors}}

    def _enter(self, run: RecordedRun, wanted: Variables) -> None:
        type_, name = wanted["type"], wanted["name"]
        details: Variables = wanted["details"] or {}
        retry = details.get("retry")
        if retry and run.retries_used < retry["limit"]:
            run.retries_used += 1
            type_, name = "SCHEDULED", "AwaitingRetry"
        elif type_ == "RUNNING" and run.retries_used:
            name = "Retrying"
        run.states.append((type_, name))
        run.details.append(wanted["details"])
        if type_ in TERMINAL:
            run.tasks_at_end = len(run.tasks)
            run.logs_at_end = len(run.logs)

    def _on_TaskRunSync(self, variables: Variables, token: str) -> Variables:  # noqa: N802 - the operation's name
        run = self.runs[variables["input"]["flowRunId"]]
        errors = self._refusals(run, token=token)
        columns = variables["input"]["batch"]
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        assert 1 <= len(rows) <= 1000
        for row in rows if not errors else ():
            known = run.tasks.get(row["id"])
            if known is None or len(row["states"]) > len(known["states"]):
                run.tasks[row["id"]] = row
        return {"taskRunSync": {"accepted": len(rows), "rejected": [], "errors": errors}}

    def _on_LogsAppend(self, variables: Variables, token: str) -> Variables:  # noqa: N802 - the operation's name
        given = variables["input"]
        run = self.runs[given["flowRunId"]]
        errors = self._refusals(run, token=token)
        next_offset = run.streams.get(given["streamId"], 0)
        dropped = 0
        if given["offset"] > next_offset:
            errors.append({"code": "CONFLICT", "message": "Lines are missing"})
        if not errors:
            messages = given["batch"]["message"]
            levels = given["batch"]["level"]
            known = next_offset - given["offset"]
            for level, message in list(zip(levels, messages, strict=True))[known:]:
                if (
                    level >= logging.WARNING
                    or self.log_limit is None
                    or len(run.logs) < self.log_limit
                ):
                    run.logs.append((level, message))
                else:
                    dropped += 1
            run.streams[given["streamId"]] = max(next_offset, given["offset"] + len(messages))
        answer = {"nextOffset": run.streams.get(given["streamId"], 0), "droppedForQuota": dropped}
        return {"logsAppend": {**answer, "errors": errors}}

    def _on_ConcurrencyAcquire(self, variables: Variables, token: str) -> Variables:  # noqa: N802 - the operation's name
        answer: Variables = {"acquired": True, "leaseId": None, "limitedTags": [], "errors": []}
        return {"concurrencyAcquire": answer}

    def _on_RunRenew(self, variables: Variables, token: str) -> Variables:  # noqa: N802 - the operation's name
        lease = variables["input"]["lease"]
        run = self.runs[lease["runId"]]
        outcome = "LOST" if run.is_lost else "RENEWED"
        if run.is_cancel_requested:
            outcome = "CANCEL_REQUESTED"
            if run.type == "RUNNING":
                run.states.append(("CANCELLING", "Cancelling"))
        verdict = {"runId": run.id, "epoch": 1, "outcome": outcome, "expiresAt": INSTANT}
        return {"runRenew": {"verdict": verdict, "serverTime": INSTANT, "errors": []}}

    def _refusals(self, run: RecordedRun, *, token: str) -> list[Variables]:
        if run.is_lost or token != run.token:
            return [{"code": "LEASE_LOST", "message": "Another attempt owns the run"}]
        return []

    def _on_ArtifactCreate(self, variables: Variables, token: str) -> Variables:  # noqa: N802 - the operation's name
        return {"artifactCreate": {"artifact": {"id": variables["input"]["id"]}, "errors": []}}

    def _on_ArtifactUpdate(self, variables: Variables, token: str) -> Variables:  # noqa: N802 - the operation's name
        return {"artifactUpdate": {"artifact": {"id": variables["input"]["id"]}, "errors": []}}

    def _on_EventsEmit(self, variables: Variables, token: str) -> Variables:  # noqa: N802 - the operation's name
        accepted = len(variables["input"]["events"])
        return {"eventsEmit": {"accepted": accepted, "rejected": [], "errors": []}}

    def _on_AssetMaterialize(self, variables: Variables, token: str) -> Variables:  # noqa: N802 - the operation's name
        return {"assetMaterialize": {"assets": [], "errors": []}}

    def _on_ServerInfo(self, variables: Variables, token: str) -> Variables:  # noqa: N802 - the operation's name
        info: Variables = {
            "version": "1",
            "apiDate": "2026-11",
            "minSdkVersion": "0.1.0",
            "features": [],
        }
        return {"serverInfo": info}
