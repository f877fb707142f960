"""Block types, the versions of their schemas, documents, and what is shown of secrets."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from headgate_server.domain.errors import InvalidInput

MAX_TEXT_LENGTH = 10_000
MAX_NAME_LENGTH = 200
MAX_URL_LENGTH = 2_000
MAX_CAPABILITIES = 50
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?")
_WORD = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}")


@dataclass(frozen=True, slots=True)
class BlockType:
    """What blocks of one kind are called, and how people know them."""

    workspace_id: UUID
    id: UUID
    slug: str
    name: str
    logo_url: str | None
    documentation_url: str | None
    description: str | None
    code_example: str | None
    version: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class BlockSchema:
    """One version of a type's fields.

    Args:
        number: 1 for the type's first; the highest is the newest.
        checksum: of the fields and capabilities: the same ones are registered once.
        fields: a JSON Schema.
        secret_paths: which fields are secret; ``*`` stands for any key or place of a list.
    """

    workspace_id: UUID
    id: UUID
    block_type_id: UUID
    number: int
    checksum: str
    version_label: str | None
    capabilities: tuple[str, ...]
    fields: dict[str, Any]
    secret_paths: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class BlockDocument:
    """A block that somebody filled in; ``data`` holds none of its secrets."""

    workspace_id: UUID
    id: UUID
    block_type_id: UUID
    block_schema_id: UUID
    type_slug: str
    name: str
    data: dict[str, Any]
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def reference(self) -> str:
        """Return how people and deployments name it."""
        return f"{self.type_slug}/{self.name}"


@dataclass(frozen=True, slots=True)
class SecretField:
    """What may be known of a secret: where it is, which one, and since when.

    Args:
        is_lost: its key was destroyed: nobody reads it again.
    """

    path: str
    fingerprint: str
    updated_at: datetime
    is_lost: bool


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """A secret as it is stored.

    Args:
        is_lost: its key was destroyed: nobody reads it again.
    """

    block_document_id: UUID
    path: str
    version: int
    key_id: UUID
    blob: bytes = field(repr=False)
    fingerprint: str
    is_lost: bool = False


def check_slug(slug: str, *, name: str = "slug") -> str:
    """Return the slug of a type.

    Raises:
        InvalidInput: any other text.
    """
    if not _SLUG.fullmatch(slug):
        raise InvalidInput(
            f"{name} has 1 to 100 lower-case letters, digits and hyphens, and starts and ends "
            "with a letter or digit.",
            path=[name],
        )
    return slug


def check_text(text: str | None, *, name: str, most: int) -> str | None:
    """Return a text about a type.

    Raises:
        InvalidInput: over-long, or with a NUL character.
    """
    if text is not None and (len(text) > most or "\0" in text):
        raise InvalidInput(f"{name} has at most {most:,} characters, and no NUL.", path=[name])
    return text


def check_url(url: str | None, *, name: str) -> str | None:
    """Return an address that is shown to people as a link.

    Raises:
        InvalidInput: over-long, or no address of the web.
    """
    if url is not None and not url.startswith(("https://", "http://")):
        raise InvalidInput(f"{name} starts with https://.", path=[name])
    return check_text(url, name=name, most=MAX_URL_LENGTH)


def check_capabilities(capabilities: Sequence[str]) -> tuple[str, ...]:
    """Return what blocks of a schema can do, sorted and without repetition.

    Raises:
        InvalidInput: too many, or a word that is none.
    """
    found = tuple(sorted(set(capabilities)))
    if len(found) > MAX_CAPABILITIES or not all(map(_WORD.fullmatch, found)):
        raise InvalidInput(
            f"capabilities are at most {MAX_CAPABILITIES} words such as read-path.",
            path=["capabilities"],
        )
    return found


def checksum_of(
    fields: dict[str, Any], *, capabilities: Sequence[str], secret_paths: Sequence[str]
) -> str:
    """Return the checksum of a schema: the same in every process and language of JSON."""
    said = {
        "fields": fields,
        "capabilities": list(capabilities),
        "secretPaths": list(secret_paths),
    }
    encoded = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    return f"sha256:{hashlib.sha256(encoded).hexdigest()}"
