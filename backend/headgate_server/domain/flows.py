"""Flows: what a name in a workspace stands for."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.tenancy import Actor

MAX_NAME_LENGTH = 200
MAX_TAGS = 50
MAX_TAG_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow that was run or deployed in a workspace."""

    workspace_id: UUID
    id: UUID
    name: str
    version: int
    created_by: Actor
    created_at: datetime
    updated_at: datetime


def check_name(name: str, *, field: str = "name") -> str:
    """Return a name that can be stored and shown.

    Raises:
        InvalidInput: empty, over-long, padded, or with a slash or control characters.
    """
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        raise InvalidInput(f"A name has 1 to {MAX_NAME_LENGTH} characters.", path=[field])
    if name != name.strip() or "/" in name or not name.isprintable():
        raise InvalidInput(
            "A name has no slash, no control characters and no space around it.", path=[field]
        )
    return name


def check_tags(tags: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Return the tags without repetition, sorted.

    Raises:
        InvalidInput: too many, or one that is empty or over-long.
    """
    unique = tuple(sorted(set(tags)))
    if len(unique) > MAX_TAGS:
        raise InvalidInput(f"At most {MAX_TAGS} tags.", path=["tags"])
    if any(not 1 <= len(tag) <= MAX_TAG_LENGTH or not tag.isprintable() for tag in unique):
        raise InvalidInput(
            f"A tag has 1 to {MAX_TAG_LENGTH} characters, no control characters among them.",
            path=["tags"],
        )
    return unique
