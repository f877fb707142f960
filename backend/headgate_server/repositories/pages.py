"""Keyset pages over any select: order by columns that end in the id, start behind a key."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    false,
    func,
    literal,
    or_,
    select,
    tuple_,
)

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.errors import InvalidCursor
from headgate_server.domain.pagination import Page, PageRequest

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sort:
    """A total order: columns whose last is unique, all in one direction.

    NULL sorts as the greatest value, as Postgres has it, and a key holds None for it.
    """

    columns: tuple[ColumnElement[Any], ...]
    is_descending: bool = False
    has_nulls: bool = False


def by(*columns: ColumnElement[Any]) -> Sort:
    """Return the ascending order by columns that are never NULL."""
    return Sort(columns=columns)


async def read(
    work: UnitOfWork,
    statement: Select[Any],
    *,
    sort: Sort,
    page: PageRequest,
    make: Callable[[Row[Any]], T],
) -> Page[T]:
    """Return one page of a select, always in list order; one row more is read to look ahead.

    A page behind a key claims that there is something on the key's side: the row the key is of.

    Raises:
        InvalidCursor: the key is not of this order.
    """
    is_descending = sort.is_descending != page.is_backward
    if page.key is not None:
        statement = statement.where(_beyond(sort, page.key, is_descending=is_descending))
    ordered = statement.order_by(
        *(column.desc() if is_descending else column.asc() for column in sort.columns)
    ).limit(page.size + 1)
    rows = (await work.execute(ordered)).all()
    has_more = len(rows) > page.size
    items = [make(row) for row in rows[: page.size]]
    has_key = page.key is not None
    if page.is_backward:
        items.reverse()
        return Page(items=items, has_next=has_key, has_previous=has_more)
    return Page(items=items, has_next=has_more, has_previous=has_key)


async def count(work: UnitOfWork, statement: Select[Any], *, cap: int) -> int:
    """Return how many rows a select has, looking no further than ``cap``.

    Returns:
        The exact number up to ``cap``; ``cap + 1`` says that there are more than that.
    """
    found = statement.with_only_columns(literal(1)).limit(cap + 1).subquery()
    return int((await work.execute(select(func.count()).select_from(found))).scalar_one())


def _beyond(sort: Sort, key: tuple[Any, ...], *, is_descending: bool) -> ColumnElement[bool]:
    if len(key) != len(sort.columns):
        raise InvalidCursor
    if not sort.has_nulls:
        values = tuple_(
            *(literal(value, column.type) for column, value in zip(sort.columns, key, strict=True))
        )
        columns = tuple_(*sort.columns)
        return columns < values if is_descending else columns > values
    return or_(
        *(
            and_(
                *(
                    _equal(earlier, value)
                    for earlier, value in zip(sort.columns[:index], key, strict=False)
                ),
                _past(column, key[index], is_descending=is_descending),
            )
            for index, column in enumerate(sort.columns)
        )
    )


def _equal(column: ColumnElement[Any], value: object) -> ColumnElement[bool]:
    return column.is_(None) if value is None else column == value


def _past(column: ColumnElement[Any], value: object, *, is_descending: bool) -> ColumnElement[bool]:
    if is_descending:
        return column.is_not(None) if value is None else column < value
    return false() if value is None else or_(column > value, column.is_(None))
