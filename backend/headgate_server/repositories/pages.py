"""Keyset pages over any select: order by columns that end in the id, start behind a key."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
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
from headgate_server.domain.pagination import MAX_LISTED, Beginning, Page, PageRequest

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

OWNERS_AT_ONCE = 50
"""Whose lists one statement reads: 5,000 rows hold the event loop for some 50 ms."""


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


async def read_beginnings(
    work: UnitOfWork,
    owners: Sequence[K],
    statement: Callable[[Sequence[K]], Select[Any]],
    *,
    owner: ColumnElement[Any],
    sort: Sort,
    make: Callable[[Row[Any]], T],
    most: int = MAX_LISTED,
) -> dict[K, Beginning[T]]:
    """Return the first of what belongs to each of some things; who has nothing is absent.

    Args:
        work: where.
        owners: whose.
        statement: selects all that belongs to some of them; a column of each name.
        owner: the column that says whose a row is.
        sort: the order of what belongs to one.
        make: makes an object of a row.
        most: how many of each.
    """
    found: dict[K, Beginning[T]] = {}
    place = func.row_number().over(partition_by=owner, order_by=sort.columns)
    total = func.count().over(partition_by=owner)
    for start in range(0, len(owners), OWNERS_AT_ONCE):
        some = statement(owners[start : start + OWNERS_AT_ONCE])
        ranked = some.add_columns(
            owner.label("list_owner"), place.label("list_place"), total.label("list_total")
        ).subquery()
        first = select(ranked).where(ranked.c.list_place <= most)
        rows = await work.execute(first.order_by(ranked.c.list_owner, ranked.c.list_place))
        for whose, group in groupby(rows, key=attrgetter("list_owner")):
            own = list(group)
            items = tuple(make(row) for row in own)
            found[whose] = Beginning(items, more=own[0].list_total - len(own))
    return found


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
