"""JSON documents that callers give to be kept: what of them can be stored."""

from typing import Any, TypeVar

import msgspec

from headgate_server.domain.errors import InvalidInput

MAX_DOCUMENT_BYTES = 512 * 1024

Document = TypeVar("Document", bound="dict[str, Any] | list[Any] | None")

_ESCAPED_NUL = b"\\u0000"


def check_document(document: Document, *, field: str) -> Document:
    """Return a document that fits and that the database can hold.

    Raises:
        InvalidInput: over-long, not JSON, or with a NUL character in a text.
    """
    try:
        encoded = msgspec.json.encode(document)
    except (TypeError, ValueError, msgspec.MsgspecError, RecursionError):
        raise InvalidInput(f"{field} is not JSON.", path=[field]) from None
    if len(encoded) > MAX_DOCUMENT_BYTES:
        raise InvalidInput(f"{field} takes at most {MAX_DOCUMENT_BYTES // 1024} KiB.", path=[field])
    if _ESCAPED_NUL in encoded:
        raise InvalidInput(f"{field} holds a NUL character; remove it.", path=[field])
    return document
