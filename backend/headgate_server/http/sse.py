"""Subscriptions over one HTTP response each, where no WebSocket gets through.

The protocol is graphql-sse's in its mode of distinct connections: a POST that accepts
``text/event-stream`` is answered with ``next`` events and one ``complete``. There is no event id:
what a stream resumes from is an argument of the subscription.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson
from graphql import GraphQLError
from starlette.types import Receive, Send
from strawberry.http import GraphQLRequestData, process_result
from strawberry.schema import BaseSchema
from strawberry.types.execution import ExecutionResult, PreExecutionError

from headgate_server.domain.errors import Forbidden, Unauthenticated
from headgate_server.graphql.context import OperationContext
from headgate_server.graphql.limits import rules
from headgate_server.graphql.masking import mask
from headgate_server.http.access import Access
from headgate_server.http.constants import REQUEST_ID_HEADER
from headgate_server.http.credentials import CHANGED, Credential

MEDIA_TYPE = "text/event-stream"
KEEP_ALIVE = b":\n\n"
COMPLETE = b"event: complete\ndata:\n\n"


def is_wanted(headers: Mapping[str, str]) -> bool:
    """Whether a request asks for an event stream."""
    accepted = headers.get("accept", "").lower()
    return any(part.partition(";")[0].strip() == MEDIA_TYPE for part in accepted.split(","))


@dataclass(frozen=True, slots=True)
class EventStream:
    """One operation, and the response that carries its results."""

    schema: BaseSchema
    request: GraphQLRequestData
    context: OperationContext
    credential: Credential
    closing: asyncio.Event
    access: Access
    keep_alive_seconds: float

    async def __call__(self, receive: Receive, send: Send) -> None:
        """Answer with events until the operation, the credential or the connection ends."""
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (b"content-type", f"{MEDIA_TYPE}; charset=utf-8".encode()),
                    (b"cache-control", b"no-store"),
                    (b"x-accel-buffering", b"no"),
                    (REQUEST_ID_HEADER.encode(), self.context.request_id.encode()),
                ],
            }
        )
        # Some proxies hold a response back until its first bytes.
        await send(_body(KEEP_ALIVE))
        gone = asyncio.ensure_future(_disconnected(receive))
        over = asyncio.ensure_future(self.credential.until_over())
        closing = asyncio.ensure_future(self.closing.wait())
        try:
            async with contextlib.aclosing(self._results()) as results:
                with self.access.watch(self.context):
                    await self._send_all(results, send, ends={gone, over, closing})
            if over.done() and not gone.done():
                await send(_body(_event(_refused(over.result()))))
            if not gone.done():
                await send(_body(COMPLETE, is_last=True))
        finally:
            for task in (gone, over, closing):
                task.cancel()
            await asyncio.gather(gone, over, closing, return_exceptions=True)

    async def _send_all(
        self, results: AsyncGenerator[bytes], send: Send, *, ends: set["asyncio.Future[Any]"]
    ) -> None:
        """Send each result, and a comment where none comes, until the results or an end."""
        every = self.keep_alive_seconds
        while True:
            pending = asyncio.ensure_future(anext(results, None))
            try:
                while not pending.done():
                    await asyncio.wait(
                        {pending, *ends}, timeout=every, return_when=asyncio.FIRST_COMPLETED
                    )
                    if any(end.done() for end in ends):
                        return
                    if not pending.done():
                        await send(_body(KEEP_ALIVE))
                event = pending.result()
            finally:
                pending.cancel()
                await asyncio.gather(pending, return_exceptions=True)
            if event is None:
                return
            await send(_body(event))

    async def _results(self) -> AsyncGenerator[bytes]:
        """Yield an event for each result; loaders forget what they read between two of them."""
        refusal = rules.check_document(self.request.query or "")
        if refusal is not None:
            yield _event(ExecutionResult(data=None, errors=[refusal]))
            return
        try:
            results = await self.schema.stream(
                self.request.query,
                variable_values=self.request.variables,
                context_value=self.context,
                operation_name=self.request.operation_name,
            )
            async with contextlib.aclosing(results):
                async for result in results:
                    yield _event(cast("ExecutionResult", result))
                    if isinstance(result, PreExecutionError):
                        return
                    self.context.forget(principal=self.credential.principal)
        except Exception as error:  # noqa: BLE001  the edge: nothing unmasked leaves
            masked = mask(GraphQLError(str(error), original_error=error), context=self.context)
            yield _event(ExecutionResult(data=None, errors=[masked]))


async def _disconnected(receive: Receive) -> None:
    """Return once the caller has gone away; its body was read before."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _refused(why: str) -> ExecutionResult:
    """Return the last result of a stream whose credential is good no more."""
    code = Forbidden.code if why == CHANGED else Unauthenticated.code
    error = GraphQLError(why, extensions={"code": code})
    return ExecutionResult(data=None, errors=[error])


def _event(result: ExecutionResult) -> bytes:
    return b"event: next\ndata: " + orjson.dumps(process_result(result)) + b"\n\n"


def _body(data: bytes, *, is_last: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": not is_last}
