"""Texts and JSON documents that callers give: what of them the database can hold."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, TypeVar, cast

import msgspec
import orjson

from headgate_server.domain.errors import InvalidInput

MAX_DOCUMENT_BYTES = 512 * 1024

Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
"""A number in a columnar batch that the API shows as an Int."""

Document = TypeVar("Document")

_UNSTORABLE = re.compile("[\\0\\ud800-\\udfff]")
_ESCAPED_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def is_storable(text: str) -> bool:
    """Whether the database can hold a text, or compare with it: no NUL and no lone surrogate."""
    return _UNSTORABLE.search(text) is None


def scrub(text: str) -> str:
    """Return a text that the database can hold: NUL and lone surrogates become U+FFFD."""
    if text.isascii():
        # Most lines of a log are, and many come at once.
        return text.replace("\0", "\ufffd")
    return _UNSTORABLE.sub("\ufffd", text)


def scrub_json(encoded: bytes) -> bytes:
    """Return JSON that the database can hold: an escaped NUL character becomes U+FFFD."""
    if b"\\u0000" not in encoded:
        return encoded
    return _ESCAPED_NUL.sub(rb"\1\\ufffd", encoded)


def check_document(
    document: Document, *, field: str, most_bytes: int = MAX_DOCUMENT_BYTES
) -> Document:
    """Return a document that fits and that the database can hold.

    Raises:
        InvalidInput: over-long, not JSON, or with a NUL character in a text.
    """
    measure_document(document, field=field, most_bytes=most_bytes)
    return document


def measure_document(document: object, *, field: str, most_bytes: int = MAX_DOCUMENT_BYTES) -> int:
    """Return how many bytes a document takes, which fits and which the database can hold.

    Raises:
        InvalidInput: as ``check_document``.
    """
    size_bytes = len(_encode(document, field=field))
    if size_bytes > most_bytes:
        raise _too_large(field, most_bytes)
    return size_bytes


def check_documents(
    documents: Iterable[object], *, field: str, most_bytes: int = MAX_DOCUMENT_BYTES
) -> None:
    """Refuse documents that do not fit together, as the list of them.

    No more of them are encoded than fit: what they have in common may be large.

    Raises:
        InvalidInput: over-long in all, not JSON, or with a NUL character in a text.
    """
    left = most_bytes - len("[")
    for document in documents:
        left -= len(_encode(document, field=field)) + len(",")
        if left < 0:
            raise _too_large(field, most_bytes)


def texts_of(document: object) -> Iterator[str]:
    """Yield every text of a JSON value but the names of its entries, from the first on."""
    pending = [document]
    while pending:
        one = pending.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            pending += reversed(list(cast("Mapping[str, object]", one).values()))
        elif isinstance(one, list):
            pending += reversed(cast("list[object]", one))


def _encode(document: object, *, field: str) -> bytes:
    try:
        encoded = orjson.dumps(document)
    except orjson.JSONEncodeError:
        raise InvalidInput(
            f"{field} is not JSON of at most 64-bit integers and moderate depth.", path=[field]
        ) from None
    # What holds none is told at once: the pattern takes a hundred times as long.
    if b"\\u0000" in encoded and _ESCAPED_NUL.search(encoded):
        raise InvalidInput(f"{field} holds a NUL character; remove it.", path=[field])
    return encoded


def _too_large(field: str, most_bytes: int) -> InvalidInput:
    return InvalidInput(f"{field} takes at most {most_bytes // 1024} KiB.", path=[field])
