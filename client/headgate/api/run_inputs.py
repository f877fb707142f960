"""The inputs of runs over the API: send, follow."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime
from typing import Any

import msgspec

from headgate.api.calls import Answer, change
from headgate.api.documents import document
from headgate.api.transport import Transport

NOUN = "run_inputs"


class Sender(Answer, frozen=True):
    """Who sent an input: a run, a person, a service account."""

    id: str
    display_name: str


class RunInputAnswer(Answer, frozen=True):
    """An input that a run was sent; ``sequence`` is its place in the run's mailbox."""

    sequence: int
    keyset: str
    message_id: str
    payload: Any
    sent_at: datetime
    sent_by: Sender


async def send(
    transport: Transport, *, flow_run_id: str, keyset: str, message_id: str, payload: Any
) -> RunInputAnswer:
    """Put an input into a run's mailbox; sent again with the same message id, it is there once.

    Raises:
        ConflictError: the run has ended.
    """
    sent = await change(
        transport,
        NOUN,
        "RunInputSend",
        input={
            "flowRunId": flow_run_id,
            "keyset": keyset,
            "messageId": message_id,
            "payload": payload,
        },
    )
    return msgspec.convert(sent["runInput"], RunInputAnswer)


async def follow(
    transport: Transport, *, flow_run_id: str, keyset: str | None = None, after: int = 0
) -> AsyncIterator[list[RunInputAnswer]]:
    """Follow the mailbox of the run whose token speaks; the caller re-opens a broken stream.

    Args:
        keyset: only of this kind.
        after: the sequence of the last one that was read.
    """
    variables = {"flowRunId": flow_run_id, "keyset": keyset, "after": after}
    async with aclosing(
        transport.subscribe(document(NOUN, "RunInputs"), variables, operation="RunInputs")
    ) as messages:
        async for message in messages:
            yield msgspec.convert(message["runInputs"], list[RunInputAnswer])
