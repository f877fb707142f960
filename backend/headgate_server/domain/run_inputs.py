"""Inputs that runs are sent while they run: a mailbox of each, in the order of arrival."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from headgate_server.domain.documents import check_document
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.tenancy import Actor

MAX_KEYSET_LENGTH = 200
MAX_MESSAGE_ID_LENGTH = 100
MAX_PAYLOAD_BYTES = 64 * 1024
MOST_INPUTS = 10_000
"""So many a run takes in its life."""


@dataclass(frozen=True, slots=True)
class NewRunInput:
    """An input to be sent.

    Args:
        keyset: what kind of input it is: readers ask for one kind.
        message_id: the sender's; the same one again is the same input.
    """

    keyset: str
    message_id: str
    payload: Any


@dataclass(frozen=True, slots=True)
class RunInput:
    """An input that a run was sent; ``sequence`` is its place in the run's mailbox."""

    flow_run_id: UUID
    sequence: int
    keyset: str
    message_id: str
    payload: Any
    sent_by: Actor
    sent_at: datetime


def check_run_input(new: NewRunInput) -> None:
    """Refuse an input that cannot be sent.

    Raises:
        InvalidInput: naming the field and what is wrong with it.
    """
    for name, text, most in (
        ("keyset", new.keyset, MAX_KEYSET_LENGTH),
        ("messageId", new.message_id, MAX_MESSAGE_ID_LENGTH),
    ):
        if not (1 <= len(text) <= most and text.isprintable()):
            raise InvalidInput(f"{name} has 1 to {most} printable characters.", path=[name])
    check_document(new.payload, field="payload", most_bytes=MAX_PAYLOAD_BYTES)
