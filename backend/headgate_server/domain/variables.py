"""Variables: small JSON values that a workspace keeps by name; not for secrets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from headgate_server.domain.documents import check_document
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.names import check_key
from headgate_server.domain.templates import names_blocks
from headgate_server.domain.tenancy import Actor

MAX_VALUE_BYTES = 64 * 1024
"""A variable configures; data belongs into a result or an artifact."""
KEPT_VERSIONS = 100
"""How many of a variable's versions its history goes back."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that a workspace keeps by name."""

    workspace_id: UUID
    id: UUID
    name: str
    value: Any
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class VariableVersion:
    """What a variable was set to once, by whom and when."""

    workspace_id: UUID
    variable_id: UUID
    version: int
    value: Any
    tags: tuple[str, ...]
    changed_by: Actor
    changed_at: datetime


def check_variable(name: str, value: Any) -> Any:
    """Return the value of a variable that can be stored.

    Raises:
        InvalidInput: a bad name; null, over-long, or what cannot be stored or names a block.
    """
    check_key(name)
    if value is None:
        raise InvalidInput(
            "A variable is not null; delete it, or set another value.", path=["value"]
        )
    if names_blocks(value):
        raise InvalidInput(
            "A variable names no block; name it in the parameters or job variables themselves.",
            path=["value"],
        )
    return check_document(value, field="value", most_bytes=MAX_VALUE_BYTES)


def is_same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same to every reader: 1 is neither true nor 1.0."""
    option = orjson.OPT_SORT_KEYS
    return orjson.dumps(one, option=option) == orjson.dumps(other, option=option)


def list_changes(
    *, value: tuple[Any, Any], tags: tuple[Sequence[str], Sequence[str] | None]
) -> list[str]:
    """Return which fields differ between what is and what is wanted; tags of None stay."""
    changes = [] if is_same(*value) else ["value"]
    wanted = tags[1]
    if wanted is not None and set(wanted) != set(tags[0]):
        changes.append("tags")
    return changes
