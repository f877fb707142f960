"""The one endpoint of the API: POST application/json, event streams and WebSockets on one path."""

import asyncio
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil
from typing import Any, cast
from uuid import uuid4

import msgspec
import orjson
from cross_web import AsyncHTTPRequestAdapter, HTTPException
from graphql import GraphQLError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.schema import BaseSchema
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType
from typing_extensions import override

from headgate_server.bus.bus import Bus
from headgate_server.domain.errors import HeadgateError
from headgate_server.graphql.backend import Backend
from headgate_server.graphql.context import OperationContext
from headgate_server.graphql.limits import rules
from headgate_server.graphql.limits.extension import is_registration, is_report
from headgate_server.graphql.masking import RETRYABLE_STATUS, classify
from headgate_server.http import checks, sse
from headgate_server.http.access import Access
from headgate_server.http.auth import Authenticate, Proof, check_origin, login_of, proof_of
from headgate_server.http.constants import MAX_OPERATIONS_PER_SOCKET, REQUEST_ID_HEADER
from headgate_server.http.cookies import SECURE_NAME
from headgate_server.http.credentials import Credential
from headgate_server.http.openings import Openings
from headgate_server.http.origins import address_of, origin_of
from headgate_server.http.refusals import RETRY_AFTER_SECONDS, failure, refuse
from headgate_server.http.websocket import Connection, SocketAdapter, SocketHandler, SocketTimers
from headgate_server.http.wrong_keys import WrongKeys
from headgate_server.telemetry.logs import belonging
from headgate_server.telemetry.traces import CALLER_HEADERS

logger = logging.getLogger("headgate.http")

TOO_MANY_SOCKETS = "Too many sockets are opening."
TOO_MANY_STREAMS = "Too many streams are opening."
TOO_MANY_AGENTS = "Too many agents are registering."
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


@dataclass(frozen=True, slots=True)
class EndpointOptions:
    """How the endpoint is set up.

    Args:
        bus: brings word of revoked keys to open connections at once.
        reauthenticate: looks a token up again that must not be remembered.
        closing: set when open event streams are to end.
        access: takes note of every operation.
        cookie_name: of the cookie of login sessions.
        openings: how many sockets and registrations are let in at a time.
    """

    allowed_origins: tuple[str, ...] = ()
    timers: SocketTimers = field(default_factory=SocketTimers)
    bus: Bus | None = None
    reauthenticate: Authenticate | None = None
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    access: Access = field(default_factory=Access)
    cookie_name: str = SECURE_NAME
    openings: Openings = field(default_factory=Openings)


class Endpoint(GraphQL[OperationContext | Connection, None]):
    """Authenticates, checks and answers requests; hands sockets to their handler."""

    websocket_adapter_class = SocketAdapter
    graphql_transport_ws_handler_class = SocketHandler

    def __init__(
        self,
        schema: BaseSchema,
        *,
        backend: Backend,
        authenticate: Authenticate,
        options: EndpointOptions,
    ) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            allow_queries_via_get=False,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            connection_init_wait_timeout=timedelta(seconds=options.timers.init_seconds),
            multipart_uploads_enabled=False,
            max_subscriptions_per_connection=MAX_OPERATIONS_PER_SOCKET,
            allowed_origins=options.allowed_origins,
        )
        self.backend = backend
        self.authenticate = WrongKeys(
            authenticate, buckets=backend.meter.buckets, pepper=backend.pepper
        )
        self.timers = options.timers
        self.closing = options.closing
        self.access = options.access
        self.openings = options.openings
        self._bus = options.bus
        self._reauthenticate = options.reauthenticate or authenticate
        self._cookie_name = options.cookie_name

    async def admit(self, proof: Proof, *, address: str | None) -> Credential:
        """Return the credential of a connection, which looks after itself where that stays open.

        Raises:
            Unauthenticated: the token or the cookie speaks for nobody.
            TooManyAttempts: too many wrong ones came from there.
            AddressNotAllowed: the organization may not be reached from there.
        """
        principal = await self.authenticate(proof, address)
        principal.check_address(address)
        held = proof if isinstance(proof, str) else proof.held_to(principal.organization_id)
        return Credential(
            held,
            principal=principal,
            authenticate=self._reauthenticate,
            bus=self._bus,
            every_seconds=self.timers.reauthenticate_seconds,
            address=address,
        )

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.open_socket(scope, receive, send)
            return
        request = Request(scope, receive=checks.bounded(receive))
        request_id = request_id_of(request.headers.get(REQUEST_ID_HEADER))
        scope.setdefault("state", {})["request_id"] = request_id
        with belonging(request_id=request_id):
            await self.answer(request, receive, send)

    async def open_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a browser's socket in by its cookie before it is accepted; others say who they are.

        A browser sends cookies with the sockets of any page, so that its origin must be good.
        """
        socket = WebSocket(scope, receive, send)
        if self.openings.is_full:
            await self.deny(socket)
            return
        origin = socket.headers.get("origin")
        if self._cookie_name in socket.cookies and origin is not None:
            try:
                check_origin(socket.headers, allowed_origins=frozenset(self.allowed_origins))
                proof = login_of(socket, name=self._cookie_name)
                opening = self.openings.enter(by=proof)
                if opening is None:
                    await self.deny(socket)
                    return
                try:
                    credential = await self.admit(proof, address=address_of(socket))
                finally:
                    opening.leave()
                scope.setdefault("state", {})["credential"] = credential
            except HeadgateError as error:
                logger.info("A socket was refused before it was accepted: %s", error.code)
                await self.reject_websocket(socket)
                return
        await super().__call__(scope, receive, send)

    async def deny(self, socket: WebSocket) -> None:
        """Tell a socket when it is to come again."""
        await socket.send_denial_response(self.send_away(TOO_MANY_SOCKETS))

    def send_away(self, message: str) -> Response:
        """Return the answer to who finds no place: when to come again."""
        turn = self.openings.give_turn()
        return refuse(503, message, code="UNAVAILABLE", retry_after_seconds=turn)

    def proof_of(self, request: Request) -> Proof:
        """Return what a request shows of its caller.

        Raises:
            Unauthenticated: nothing, or what cannot be a token or a cookie of ours.
            Forbidden: a cookie, but no page of ours sent it.
        """
        return proof_of(
            request, cookie_name=self._cookie_name, allowed_origins=frozenset(self.allowed_origins)
        )

    async def answer(self, request: Request, receive: Receive, send: Send) -> None:
        """Answer a request, whatever becomes of it."""
        request_id = cast("str", request.state.request_id)
        try:
            if sse.is_wanted(request.headers) and self.openings.is_full:
                response = self.send_away(TOO_MANY_STREAMS)
            elif sse.is_wanted(request.headers):
                await (await self.open_events(request))(receive, send)
                return
            else:
                response = await self.run(request)
        except ClientDisconnect:
            logger.info("The caller of request %s went away before it was whole", request_id)
            return
        except HTTPException as error:
            told = checks.extensions_of(error)
            response = refuse(error.status_code, error.reason, extensions=told)
        except Exception as error:  # noqa: BLE001  the edge: nothing unmasked leaves
            response = failure(error, request_id=request_id)
            self.access.refuse(classify(error).code)
        response.headers[REQUEST_ID_HEADER] = request_id
        await response(request.scope, receive, send)

    async def open_events(self, request: Request) -> sse.EventStream:
        """Check a request for an event stream as any other, and return what answers it.

        Raises:
            Unauthenticated: the token speaks for nobody.
            HTTPException: it is no request of the API.
        """
        checks.check_request(request, allowed_origins=frozenset(self.allowed_origins))
        credential = await self.admit(self.proof_of(request), address=address_of(request))
        sent = await self.parse_http_body(self.request_adapter_class(request))
        context = OperationContext.open(
            self.backend,
            principal=credential.principal,
            origin=origin_of(request, request_id=cast("str", request.state.request_id)),
            caller_trace=_trace_of(request),
        )
        return sse.EventStream(
            self.schema,
            request=sent,
            context=context,
            credential=credential,
            closing=self.closing,
            access=self.access,
            keep_alive_seconds=self.timers.ping_seconds,
        )

    @override
    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> OperationContext | Connection:
        if isinstance(request, WebSocket):
            request_id = request_id_of(request.headers.get(REQUEST_ID_HEADER))
            credential = getattr(request.state, "credential", None)
            return Connection(origin_of(request, request_id=request_id), credential=credential)
        checks.check_request(request, allowed_origins=frozenset(self.allowed_origins))
        credential = await self.admit(self.proof_of(request), address=address_of(request))
        return OperationContext.open(
            self.backend,
            principal=credential.principal,
            origin=origin_of(request, request_id=cast("str", request.state.request_id)),
            caller_trace=_trace_of(request),
            until_refused=credential.until_refused,
        )

    @override
    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData:
        body = await request.get_body()
        data = self.parse_json(body)
        if not isinstance(data, dict):
            raise HTTPException(400, "Send one JSON object: query, variables, operationName.")
        fields = cast("dict[str, Any]", data)
        query, name = fields.get("query"), fields.get("operationName")
        variables = fields.get("variables")
        if not isinstance(query, str) or not query:
            raise HTTPException(400, "The body needs a query: one GraphQL document as a string.")
        if not isinstance(variables, dict | None) or not isinstance(name, str | None):
            raise HTTPException(400, "variables is an object or null; operationName, a string.")
        if len(body) <= rules.MAX_BODY_BYTES:
            checks.check_values(cast("object", variables))
        elif rules.check_document(query) is not None or not is_report(query):
            raise checks.too_large(limit=rules.MAX_BODY_BYTES)
        return GraphQLRequestData(
            query=query,
            variables=cast("dict[str, Any] | None", variables),
            operation_name=name,
            extensions=None,
        )

    @override
    async def execute_single(self, *args: Any, **kwargs: Any) -> ExecutionResult:
        sent = cast("GraphQLRequestData", kwargs["request_data"])
        refusal = rules.check_document(sent.query or "")
        if refusal is not None:
            return ExecutionResult(data=None, errors=[refusal])
        context = cast("OperationContext", kwargs["context"])
        if is_registration(sent.query or ""):
            return await self.register(sent, context)
        return await self.execute_sent(sent, context)

    async def register(
        self, sent: GraphQLRequestData, context: OperationContext
    ) -> ExecutionResult:
        """Execute the registration of an agent where there is a place for one."""
        principal = context.principal
        opening = self.openings.enter(by=(principal.actor.kind, principal.api_key_id))
        try:
            if opening is None or not opening.join(principal.organization_id):
                self.access.refuse("UNAVAILABLE")
                wait_ms = self.openings.give_turn() * 1000
                extensions = {"code": "UNAVAILABLE", "retryAfterMs": wait_ms}
                refusal = GraphQLError(TOO_MANY_AGENTS, extensions=extensions)
                return ExecutionResult(data=None, errors=[refusal])
            return await self.execute_sent(sent, context)
        finally:
            if opening is not None:
                opening.leave()

    async def execute_sent(
        self, sent: GraphQLRequestData, context: OperationContext
    ) -> ExecutionResult:
        """Execute a query or a mutation.

        Raises:
            HTTPException: the request asks for another operation, or for none that there is.
        """
        try:
            with self.access.watch(context):
                return await self.schema.execute(
                    sent.query,
                    variable_values=sent.variables,
                    context_value=context,
                    operation_name=sent.operation_name,
                    allowed_operation_types=(OperationType.QUERY, OperationType.MUTATION),
                )
        except CannotGetOperationTypeError as error:
            raise HTTPException(400, error.as_http_error_reason()) from error
        except InvalidOperationTypeError as error:
            raise HTTPException(
                400, "Subscriptions need a WebSocket on this path, or Accept: text/event-stream."
            ) from error

    @override
    def create_response(
        self,
        response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse],
        sub_response: Response,
    ) -> Response:
        data = cast("GraphQLHTTPResponse", response_data)
        status = _status_of(data)
        response = Response(
            self.encode_json(data), status_code=status, media_type="application/json"
        )
        if status in RETRYABLE_STATUS.values():
            response.headers["retry-after"] = _retry_after(data)
        return response

    @override
    def decode_json(self, data: str | bytes) -> object:
        try:
            # orjson would round integers beyond 64 bits without a word.
            return msgspec.json.decode(data)
        except RecursionError:
            raise checks.Refused(400, rules.refuse_nested_values(None)) from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            # It says where the JSON is wrong, in the error that the base class expects.
            return orjson.loads(data)

    @override
    def encode_json(self, data: object) -> bytes:
        return orjson.dumps(data)


def request_id_of(sent: str | None) -> str:
    """Return the caller's request id if it is fit for a log, or a new one."""
    return sent if sent and _REQUEST_ID.fullmatch(sent) else uuid4().hex


def _trace_of(request: Request) -> Mapping[str, str]:
    return {name: request.headers[name] for name in CALLER_HEADERS if name in request.headers}


def _status_of(data: GraphQLHTTPResponse) -> int:
    """Return 429, 503 or 504 where nothing was answered and the caller should try again."""
    if any(value is not None for value in (data.get("data") or {}).values()):
        return 200
    for error in cast("list[dict[str, Any]]", data.get("errors") or []):
        status = RETRYABLE_STATUS.get(error.get("extensions", {}).get("code", ""))
        if status is not None:
            return status
    return 200


def _retry_after(data: GraphQLHTTPResponse) -> str:
    """Return in how many whole seconds the operation may be sent again."""
    waits = [
        error.get("extensions", {}).get("retryAfterMs", 0)
        for error in cast("list[dict[str, Any]]", data.get("errors") or [])
    ]
    return str(max(ceil(max(waits, default=0) / 1000), RETRY_AFTER_SECONDS))
