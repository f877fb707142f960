"""Sockets of the API: graphql-transport-ws, with a fresh context for every operation and event."""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import orjson
from starlette.websockets import WebSocketDisconnect
from starlette.websockets import WebSocketDisconnected as SocketClosed
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    Message,
    PongMessage,
    SubscribeMessage,
)
from strawberry.types.execution import ExecutionResult, PreExecutionError
from typing_extensions import override

from headgate_server.domain.allowlists import AddressNotAllowed
from headgate_server.domain.clock import SystemClock
from headgate_server.domain.errors import Forbidden, HeadgateError, Suspended, Unauthenticated
from headgate_server.domain.slices import SLICE
from headgate_server.domain.tenancy import Origin, Principal
from headgate_server.graphql.context import OperationContext
from headgate_server.graphql.limits import rules
from headgate_server.graphql.scalars import show_datetime
from headgate_server.http.attempts import TooManyAttempts
from headgate_server.http.auth import Proof
from headgate_server.http.bearer import bearer_token
from headgate_server.http.constants import (
    MAX_FRAME_BYTES,
    MAX_OPERATIONS_PER_SOCKET,
    REAUTHENTICATE_SECONDS,
)
from headgate_server.http.credentials import CHANGED, Credential
from headgate_server.http.frame_rates import EARLY_REASON, FRAMES_BEFORE_INIT, TOO_MANY_FRAMES
from headgate_server.http.frames import fault_of
from headgate_server.http.openings import Opening

if TYPE_CHECKING:
    from headgate_server.http.graphql import Endpoint

logger = logging.getLogger("headgate.http")

FORBIDDEN, SILENT, TRY_AGAIN = 4403, 4408, 1013
MAX_REASON_BYTES = 123
"""No longer reason goes into the frame that closes a socket (RFC 6455, 5.5)."""


@dataclass(frozen=True, slots=True)
class SocketTimers:
    """How long a socket may be silent, in seconds."""

    init_seconds: float = 5.0
    ping_seconds: float = 20.0
    pong_seconds: float = 20.0
    reauthenticate_seconds: float = REAUTHENTICATE_SECONDS


@dataclass(slots=True)
class Connection:
    """What a socket knows for as long as it is open; operations get contexts of their own.

    Args:
        origin: where the handshake came from, and its request id.
        credential: whose the socket is; before its first message, whose cookie came with it.
    """

    origin: Origin
    credential: Credential | None = None
    is_counted: bool = False
    pong: asyncio.Event = field(default_factory=asyncio.Event)


class SocketAdapter(ASGIWebSocketAdapter):
    """Sends text frames, one after the other: the operations of a socket take turns.

    orjson makes bytes, and bytes would go out as binary frames.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # pyright: ignore[reportUnknownMemberType]  # untyped upstream
        self._turn = asyncio.Lock()

    @override
    async def send_json(self, message: Mapping[str, object]) -> None:
        try:
            # What waits for its turn is not encoded yet: the rows that followers share.
            async with self._turn:
                await self.ws.send_text(orjson.dumps(message).decode())
        except (WebSocketDisconnect, SocketClosed) as error:
            raise WebSocketDisconnected from error


class SocketHandler(BaseGraphQLTransportWSHandler[Any, Any]):
    """Authenticates a socket, keeps watch over it, and runs each operation in its own context."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.endpoint = cast("Endpoint", self.view)
        self.connection = cast("Connection", self.context)
        self.watches: list[asyncio.Task[None]] = []
        self.opening: Opening | None = None
        self.handled = 0

    @override
    async def handle_message(self, message: Message) -> None:
        self.handled += 1
        if not self.connection_acknowledged and self.handled > FRAMES_BEFORE_INIT:
            await self.close(TOO_MANY_FRAMES, reason=EARLY_REASON)
            return
        if self.handled % SLICE == 0:
            # Messages that came together are handled one by one without a turn for anybody else.
            await asyncio.sleep(0)
        fault = fault_of(message)
        if fault is not None:
            await self.handle_invalid_message(fault)
            return
        await super().handle_message(message)

    @override
    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        if self.connection_timed_out:
            return
        timeout = cast("asyncio.Task[None] | None", self.connection_init_timeout_task)  # pyright: ignore[reportUnknownMemberType]  # untyped upstream
        if timeout is not None:
            timeout.cancel()
        if self.connection_init_received:
            await self.websocket.close(code=4429, reason="Too many initialisation requests")
            return
        self.connection_init_received = True
        payload = cast("object", message.get("payload"))
        try:
            proof = self.proof_in(payload)
            self.opening = self.endpoint.openings.enter(by=proof)
            if self.opening is None:
                await self.send_away()
                return
            credential = await self.endpoint.admit(proof, address=self.connection.origin.address)
            if not self.opening.join(credential.principal.organization_id):
                await self.send_away()
                return
        except (AddressNotAllowed, Suspended) as error:
            await self.close(FORBIDDEN, reason=error.message)
            return
        except (Unauthenticated, Forbidden):
            await self.websocket.close(code=FORBIDDEN, reason="Forbidden")
            return
        except TooManyAttempts as error:
            await self.close(TRY_AGAIN, reason=error.message)
            return
        except HeadgateError as error:
            logger.warning("A socket could not be authenticated: %s", error.code)
            await self.websocket.close(code=TRY_AGAIN, reason="Try again later")
            return
        now = show_datetime(SystemClock().now())
        await self.send_message(
            {
                "type": "connection_ack",
                "payload": {"serverTime": now, "maxMessageBytes": MAX_FRAME_BYTES},
            }
        )
        self.connection.credential = credential
        self.connection.is_counted = True
        self.endpoint.access.sockets += 1
        self.connection_acknowledged = True
        self.opening.settle()
        self.watch(self.ping())
        self.watch(self.watch_credential(credential))

    async def send_away(self) -> None:
        """Close a socket for which there is no place, with the time to come again."""
        turn = self.endpoint.openings.give_turn()
        await self.close(TRY_AGAIN, reason=f"Too many sockets are opening; retry after {turn} s")

    def proof_in(self, payload: object) -> Proof:
        """Return what the first message shows: a token, or the cookie and an organization.

        Raises:
            Unauthenticated: nothing, and the handshake had no cookie.
        """
        offered = self.connection.credential
        authorization = _said(payload, "authorization")
        if authorization is None:
            # As many clients name it, after the header.
            authorization = _said(payload, "Authorization")
        if authorization is not None or offered is None or isinstance(offered.token, str):
            return bearer_token(authorization)
        slug = _said(payload, "organization")
        return offered.token.within(slug) if isinstance(slug, str) else offered.token

    @override
    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        is_known = not self.connection_acknowledged or message["id"] in self.operations
        if is_known or len(self.operations) < MAX_OPERATIONS_PER_SOCKET:
            await super().handle_subscribe(message)
            return
        refusal = rules.refuse(
            "operations of a socket",
            what="The socket has too many operations open; complete one, or open another socket.",
            limit=MAX_OPERATIONS_PER_SOCKET,
            actual=len(self.operations) + 1,
        )
        await self.send_message(
            {"id": message["id"], "type": "error", "payload": [refusal.formatted]}
        )

    @override
    async def handle_pong(self, message: PongMessage) -> None:
        self.connection.pong.set()

    @override
    def forget_id(self, id: str) -> None:
        """Forget an operation; the client may have completed it in the same moment."""
        self.operations.pop(id, None)

    @override
    async def run_operation(self, operation: Operation[Any, Any]) -> None:
        try:
            refusal = rules.check_document(operation.query)
            refusal = refusal or rules.check_values(operation.variables)
            if refusal is not None:
                await operation.send_initial_errors([refusal])
                return
            await self.stream(operation)
            await operation.send_operation_message({"id": operation.id, "type": "complete"})
        except WebSocketDisconnected:
            pass
        except Exception:
            logger.exception("An operation on a socket failed outside of its resolvers")
            with contextlib.suppress(Exception):
                await operation.send_operation_message({"id": operation.id, "type": "complete"})

    async def stream(self, operation: Operation[Any, Any]) -> None:
        """Send each result of an operation; loaders forget what they read between two of them.

        Raises:
            Unauthenticated: the socket was not authenticated; its protocol forbids this.
        """
        credential = self.connection.credential
        if credential is None:
            raise Unauthenticated
        context = self.fork(credential.principal)
        with self.endpoint.access.watch(context):
            results = await self.schema.stream(
                operation.query,
                variable_values=operation.variables,
                context_value=context,
                root_value=self.root_value,
                operation_name=operation.operation_name,
            )
            async with contextlib.aclosing(results):
                async for result in results:
                    if isinstance(result, PreExecutionError):
                        await operation.send_initial_errors(result.errors or [])
                        return
                    await operation.send_next(cast("ExecutionResult", result))
                    self.leave_opening()
                    context.forget(principal=credential.principal)

    def leave_opening(self) -> None:
        """Make room for another socket to come in: this one has."""
        if self.opening is not None:
            self.opening.leave()

    def fork(self, principal: Principal) -> OperationContext:
        """Return the context of one operation of this socket."""
        return OperationContext.open(
            self.endpoint.backend,
            principal=principal,
            origin=replace(
                self.connection.origin,
                request_id=f"{self.connection.origin.request_id}.{uuid4().hex[:8]}",
            ),
        )

    def watch(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run something for as long as the socket is open."""
        task = asyncio.create_task(coroutine)
        self.watches.append(task)

    async def ping(self) -> None:
        """Ask for a sign of life, and close a socket that gives none."""
        timers = self.endpoint.timers
        while True:
            await asyncio.sleep(timers.ping_seconds)
            self.connection.pong.clear()
            with contextlib.suppress(WebSocketDisconnected):
                await self.send_message({"type": "ping"})
            try:
                async with asyncio.timeout(timers.pong_seconds):
                    await self.connection.pong.wait()
            except TimeoutError:
                await self.close(SILENT, reason="No pong")
                return

    async def watch_credential(self, credential: Credential) -> None:
        """Close the socket when its token expires or is revoked, or may do less than before."""
        reason = await credential.until_over()
        await self.close(TRY_AGAIN if reason == CHANGED else FORBIDDEN, reason=reason)

    async def close(self, code: int, *, reason: str) -> None:
        """Close the socket; one that is closed already stays so."""
        with contextlib.suppress(RuntimeError, WebSocketDisconnected):
            fitting = reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
            await self.websocket.close(code=code, reason=fitting)

    @override
    async def shutdown(self) -> None:
        self.leave_opening()
        if self.connection.is_counted:
            self.endpoint.access.sockets -= 1
        for task in self.watches:
            task.cancel()
        for task in self.watches:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await super().shutdown()


def _said(payload: object, name: str) -> object:
    if not isinstance(payload, dict):
        return None
    return cast("dict[str, object]", payload).get(name)
