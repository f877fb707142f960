"""Named SQL: the hot statements, one file each under ``sql/``."""

import re
from functools import cache
from importlib import resources
from typing import Any

import orjson
from sqlalchemy import TextClause, text
from sqlalchemy.sql.selectable import TextualSelect
from sqlalchemy.types import TypeEngine

from headgate_server.domain.documents import scrub_json
from headgate_server.domain.errors import InvalidInput

_INCLUDE = re.compile(r"^-- include (\w+)$", re.MULTILINE)
"""A line in whose place the text of another file comes: what several statements must agree on."""


@cache
def named(name: str) -> TextClause:
    """Return the statement in ``sql/<name>.sql``, prepared once a process."""
    return text(_read(name))


def _read(name: str) -> str:
    folder = resources.files("headgate_server.repositories") / "sql"
    statement = (folder / f"{name}.sql").read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda match: _read(match[1]).rstrip(), statement)


@cache
def named_with(name: str, **types: TypeEngine[Any]) -> TextualSelect:
    """Return the statement in ``sql/<name>.sql`` with types of some of its result's columns.

    Args:
        name: as for ``named``.
        types: by column; the same instances at each call: the statement is made once for them.
    """
    return named(name).columns(**types)


def packed(value: object) -> str:
    """Return a value as the JSON text of a statement's parameter; ids become their text.

    A NUL character, which Postgres cannot hold, becomes U+FFFD: what user code printed or raised is
    kept as far as it can be. Inputs that a person can correct are checked before they come here.

    Raises:
        InvalidInput: an integer beyond 64 bits, or too deep a nesting.
    """
    try:
        encoded = orjson.dumps(value, default=str)
    except orjson.JSONEncodeError as error:
        raise InvalidInput(
            "A JSON value has at most 64-bit integers and moderate depth."
        ) from error
    return scrub_json(encoded).decode()
