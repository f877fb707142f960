"""Named SQL: the hot statements, one file each under ``sql/``."""

from functools import cache
from importlib import resources

import orjson
from sqlalchemy import TextClause, text


@cache
def named(name: str) -> TextClause:
    """Return the statement in ``sql/<name>.sql``, prepared once a process."""
    folder = resources.files("headgate_server.repositories") / "sql"
    return text((folder / f"{name}.sql").read_text(encoding="utf-8"))


def packed(value: object) -> str:
    """Return a value as the JSON text of a statement's parameter; ids become their text."""
    return orjson.dumps(value, default=str).decode()
