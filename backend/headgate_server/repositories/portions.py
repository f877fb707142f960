"""Portions: rows in order behind a number, as many as fit into so many bytes.

What callers store may be hundreds of kilobytes a row, so that a number of rows bounds nothing. The
database cuts a portion off: what lies beyond it is never sent here.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Row,
    Select,
    Text,
    bindparam,
    cast,
    func,
    literal,
    or_,
    select,
)

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.pagination import Portion

T = TypeVar("T")

ROW_BYTES = 256
"""What a row counts beyond its large columns."""
FIRST_ROWS = 8
GROWTH = 8
"""So many are weighed at first, and so many times more each time all of them fit: to weigh rows is
to read them, and those that do not fit are read once more."""


async def read(
    work: UnitOfWork,
    statement: Select[Any],
    *,
    number: str,
    large: Sequence[str],
    after: int,
    most: int,
    most_bytes: int,
    make: Callable[[Row[Any]], T],
) -> Portion[T]:
    """Return what a select finds behind a number, up to so many rows or bytes.

    Args:
        work: the unit of work.
        statement: selects the columns of one table.
        number: the column that orders the rows, unique among them.
        large: the columns that may be large.
        after: where the rows before ended.
        most: how many rows there are at most.
        most_bytes: how large they are together at most, unless the first alone is larger.
        make: makes a value of a row.
    """
    found: list[T] = []
    sizes: list[int] = []
    step = FIRST_ROWS
    while True:
        asked = min(step, most - len(found))
        room = most_bytes - sum(sizes)
        fitting = _fitting(statement, number=number, large=large, is_alone=not found)
        bounds = {"portion_after": after, "portion_most": asked, "portion_room": room}
        rows = (await work.execute(fitting, bounds)).all()
        found += [make(row) for row in rows]
        sizes += [row.portion_bytes for row in rows]
        weighed = rows[0].portion_rows if rows else 0
        # Where none fits any more it is not known whether there are any.
        is_cut = len(rows) < weighed or (not rows and bool(found))
        if is_cut or weighed < asked or len(found) >= most:
            return Portion(tuple(found), tuple(sizes), has_more=is_cut or weighed == asked)
        after = getattr(rows[-1], number)
        step *= GROWTH


def weigh(table: FromClause, large: Sequence[str]) -> ColumnElement[int]:
    """Return how large a row is, from its large columns as texts."""
    lengths = [func.coalesce(func.octet_length(cast(table.c[name], Text)), 0) for name in large]
    weight = sum(lengths, literal(ROW_BYTES))
    return cast(weight, BigInteger)


def _fitting(
    statement: Select[Any], *, number: str, large: Sequence[str], is_alone: bool
) -> Select[Any]:
    """Select the next rows that fit, each with its size and how many rows there were to weigh."""
    order = statement.selected_columns[number]
    page = (
        statement.where(order > bindparam("portion_after", type_=BigInteger))
        .order_by(order)
        .limit(bindparam("portion_most", type_=BigInteger))
        .subquery("page")
    )
    own = weigh(page, large)
    weighed = select(
        page,
        own.label("portion_bytes"),
        func.sum(own).over(order_by=page.c[number]).label("portion_end"),
        func.count().over().label("portion_rows"),
    ).subquery("weighed")
    fits = weighed.c.portion_end <= bindparam("portion_room", type_=BigInteger)
    if is_alone:
        fits = or_(fits, weighed.c.portion_end == weighed.c.portion_bytes)
    return select(weighed).where(fits).order_by(weighed.c[number])
