"""The columns that textual statements return, learned once instead of at each execution.

SQLAlchemy cannot know them from the text and so describes every result anew, which costs more than
all else it does for a short statement. It keeps the description of a statement whose columns are
named in their order: the first result tells which these are.
"""

import re
from typing import Any

from sqlalchemy import CursorResult, Executable, TextClause, column
from sqlalchemy.sql.selectable import TextualSelect
from sqlalchemy.sql.sqltypes import NULLTYPE

Textual = TextClause | TextualSelect

_learned: dict[Textual, tuple[TextualSelect, tuple[str, ...], bool]] = {}
"""Of each: how it is best executed, its columns, and whether it writes."""
_WRITES = re.compile(r"\b(insert|update|delete|merge)\b", re.IGNORECASE)
_MOST = 1000
"""So many statements are remembered: more than there are, unless one is made at each call."""


def with_columns(
    statement: Executable, *, is_final: bool = False
) -> tuple[Executable, tuple[str, ...] | None]:
    """Return a statement as it is best executed, and the columns it must then answer with.

    Args:
        statement: any.
        is_final: nothing takes back what it writes where its answer turns out to be unreadable.
    """
    if isinstance(statement, TextClause | TextualSelect):
        known = _learned.get(statement)
        if known is not None and not (is_final and known[2]):
            return known[:2]
    return statement, None


def learn(statement: Executable, result: CursorResult[Any]) -> None:
    """Remember which columns a textual statement returned, for its next executions."""
    if not result.returns_rows:
        return
    if isinstance(statement, TextClause):
        text, types = statement, {}
    elif isinstance(statement, TextualSelect):
        text = statement.element
        types = {one.name: one.type for one in statement.column_args}
    else:
        return
    names = tuple(result.keys())
    ordered = text.columns(*(column(name, types.get(name, NULLTYPE)) for name in names))
    if len(_learned) >= _MOST:
        _learned.clear()
    _learned[statement] = (ordered, names, _WRITES.search(str(text)) is not None)


def is_changed(statement: Executable, result: CursorResult[Any], names: tuple[str, ...]) -> bool:
    """Whether a statement answered with other columns than it did, as after a migration.

    What it returned is then read wrongly and must not be used; its next execution learns anew.
    """
    cursor = result.cursor
    if cursor is None or tuple(one[0] for one in cursor.description) == names:
        return False
    if isinstance(statement, TextClause | TextualSelect):
        _learned.pop(statement, None)
    return True
