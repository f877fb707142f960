"""Artifacts: what runs leave for people to look at, by key with a history, or on their own."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

import orjson

from headgate_server.domain.documents import check_document, is_storable
from headgate_server.domain.errors import InvalidInput, LimitExceeded
from headgate_server.domain.names import check_key

MAX_DATA_BYTES = 1024 * 1024
"""What is larger belongs into storage of the customer's own, and a link to it here."""
MAX_METADATA_BYTES = 64 * 1024
MAX_DESCRIPTION_LENGTH = 10_000
MAX_URL_LENGTH = 8_000
FULL_PROGRESS = 100
SCHEMES = (
    "http:",
    "https:",
    "s3:",
    "s3a:",
    "gs:",
    "abfs:",
    "abfss:",
    "wasbs:",
    "az:",
    "adl:",
    "file:",
    "ftp:",
    "sftp:",
    "dbfs:",
    "hdfs:",
    "mailto:",
)
"""What may be shown: nothing that a browser would run. Only some of it is linked."""
_IMAGE_IN_TEXT = re.compile(
    r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}", re.ASCII
)
"""An image by itself: of no kind that has scripts, as SVG has."""


class ArtifactType(StrEnum):
    """What an artifact's data is."""

    MARKDOWN = "markdown"
    TABLE = "table"
    LINK = "link"
    IMAGE = "image"
    PROGRESS = "progress"
    RESULT = "result"


@dataclass(frozen=True, slots=True)
class NewArtifact:
    """An artifact to be stored.

    Args:
        id: made by the client, so that a report that is sent again makes no second one.
    """

    id: UUID
    type: ArtifactType
    key: str | None = None
    data: Any = None
    description: str | None = None
    metadata: Mapping[str, Any] | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """An artifact without its data, which may be wide."""

    workspace_id: UUID
    id: UUID
    key: str | None
    type: ArtifactType
    description: str | None
    metadata: dict[str, Any]
    flow_run_id: UUID | None
    task_run_id: UUID | None
    size_bytes: int
    version: int
    created_at: datetime
    updated_at: datetime


def read_type(text: str) -> ArtifactType:
    """Return the type of a name.

    Raises:
        InvalidInput: there is no such type.
    """
    try:
        return ArtifactType(text)
    except ValueError:
        known = ", ".join(ArtifactType)
        raise InvalidInput(f"type is one of {known}.", path=["type"]) from None


def check_artifact(new: NewArtifact) -> NewArtifact:
    """Return an artifact that can be stored.

    Raises:
        InvalidInput: a bad key, text or metadata, or data that is not of the type.
        LimitExceeded: more data than 1 MiB.
    """
    if new.key is not None:
        check_key(new.key, field="key")
    check_description(new.description)
    if new.metadata is not None:
        check_metadata(new.metadata)
    check_data(new.data, type_=new.type)
    return new


def check_description(description: str | None) -> None:
    """Go on with a description that can be stored.

    Raises:
        InvalidInput: over-long, or with a NUL character.
    """
    if description is None:
        return
    if len(description) > MAX_DESCRIPTION_LENGTH or not is_storable(description):
        raise InvalidInput(
            f"description has at most {MAX_DESCRIPTION_LENGTH:,} characters, and no NUL.",
            path=["description"],
        )


def check_metadata(metadata: object) -> None:
    """Go on with metadata that can be stored.

    Raises:
        InvalidInput: no JSON object, or one over 64 KiB.
    """
    if not isinstance(metadata, Mapping):
        raise InvalidInput("metadata is a JSON object.", path=["metadata"])
    check_document(cast("object", metadata), field="metadata", most_bytes=MAX_METADATA_BYTES)


def check_data(data: Any, *, type_: ArtifactType) -> None:
    """Go on with data that fit and are of a type.

    Raises:
        InvalidInput: they are not what the type says.
        LimitExceeded: they are larger than 1 MiB.
    """
    check_document(data, field="data", most_bytes=2 * MAX_DATA_BYTES)
    size = size_of(data)
    if size > MAX_DATA_BYTES:
        raise LimitExceeded(
            f"The data of an artifact are at most {MAX_DATA_BYTES:,} bytes of JSON; put more into "
            "storage of your own, and a link to it here.",
            limit=MAX_DATA_BYTES,
            current=size,
        )
    wanted = _WANTED.get(type_)
    if wanted is not None and not wanted[1](data):
        raise InvalidInput(f"The data of a {type_} artifact are {wanted[0]}.", path=["data"])


def size_of(data: Any) -> int:
    """Return how long data are as JSON, in bytes."""
    return len(orjson.dumps(data))


def _is_table(data: Any) -> bool:
    """Whether data are rows, as objects or lists, or columns by name."""
    if isinstance(data, list):
        return all(isinstance(row, dict | list) for row in cast("list[object]", data))
    if isinstance(data, dict):
        columns = cast("dict[str, object]", data).values()
        return all(isinstance(column, dict | list) for column in columns)
    return False


def _is_link(data: Any) -> bool:
    if not isinstance(data, dict):
        return False
    found = cast("dict[str, object]", data)
    text = found.get("text")
    return (
        found.keys() <= {"url", "text"}
        and is_address(found.get("url"))
        and (text is None or isinstance(text, str))
    )


def _is_image(data: Any) -> bool:
    if not isinstance(data, dict):
        return False
    found = cast("dict[str, object]", data)
    url = found.get("url")
    is_whole = isinstance(url, str) and _IMAGE_IN_TEXT.fullmatch(url) is not None
    return found.keys() == {"url"} and (is_whole or is_address(url))


def is_address(url: object) -> bool:
    """Whether a text is an address that a page may show."""
    if not isinstance(url, str) or not 0 < len(url) <= MAX_URL_LENGTH or not url.isprintable():
        return False
    scheme, colon, _ = url.partition(":")
    is_relative = not colon or "/" in scheme or "#" in scheme or "?" in scheme
    return is_relative or f"{scheme.lower()}:" in SCHEMES


def _is_progress(data: Any) -> bool:
    is_number = isinstance(data, int | float) and not isinstance(data, bool)
    return is_number and 0 <= data <= FULL_PROGRESS


def _is_text(data: Any) -> bool:
    return isinstance(data, str)


_ADDRESSES = f"relative, or of {', '.join(scheme.rstrip(':') for scheme in SCHEMES)}"
_WANTED: Mapping[ArtifactType, tuple[str, Callable[[Any], bool]]] = {
    ArtifactType.MARKDOWN: ("a text", _is_text),
    ArtifactType.TABLE: (
        "a list of rows, each an object or a list, or an object of columns",
        _is_table,
    ),
    ArtifactType.LINK: (f"an object of url ({_ADDRESSES}) and text", _is_link),
    ArtifactType.IMAGE: (f"an object of url ({_ADDRESSES}; or data:image/… in base64)", _is_image),
    ArtifactType.PROGRESS: ("a number from 0 to 100", _is_progress),
}
