"""The columns that textual statements return, learned once instead of at each execution.

SQLAlchemy cannot know them from the text and so describes every result anew, which costs more than
all else it does for a short statement. It keeps the description of a statement whose columns are
named in their order: the first result tells which these are.
"""

from typing import Any

from sqlalchemy import CursorResult, Executable, TextClause, column
from sqlalchemy.sql.selectable import TextualSelect
from sqlalchemy.sql.sqltypes import NULLTYPE

Textual = TextClause | TextualSelect

_learned: dict[Textual, tuple[TextualSelect, tuple[str, ...]]] = {}
_MOST = 1000
"""So many statements are remembered: more than there are, unless one is made at each call."""


def with_columns(statement: Executable) -> tuple[Executable, tuple[str, ...] | None]:
    """Return a statement as it is best executed, and the columns it must then answer with."""
    if isinstance(statement, TextClause | TextualSelect):
        return _learned.get(statement, (statement, None))
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
    _learned[statement] = (ordered, names)


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
