"""Lists as Relay connections of our own: keyset cursors, and counts that stop at a cap."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import strawberry

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.pagination import (
    COUNT_CAP,
    MAX_PAGE_SIZE,
    Page,
    PageRequest,
    decode_cursor,
    encode_cursor,
    page_size,
)
from headgate_server.graphql.enums import CountPrecision
from headgate_server.graphql.scalars import Cursor

T = TypeVar("T")
R = TypeVar("R")

First = Annotated[
    int | None,
    strawberry.argument(description="How many from the start: 1 to 100; 50 if not said."),
]
After = Annotated[
    Cursor | None, strawberry.argument(description="Start behind this cursor of the same list.")
]
Last = Annotated[
    int | None,
    strawberry.argument(description="How many from the end: 1 to 100; not together with first."),
]
Before = Annotated[
    Cursor | None, strawberry.argument(description="End before this cursor of the same list.")
]

Counter = Callable[[int], Awaitable[int]]
"""Counts the rows of a list and stops one beyond the given number."""


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether rows follow this page.")
    has_previous_page: bool = strawberry.field(description="Whether rows precede this page.")
    start_cursor: Cursor | None = strawberry.field(
        description="The first row's cursor, for before; null on an empty page."
    )
    end_cursor: Cursor | None = strawberry.field(
        description="The last row's cursor, for after; null on an empty page."
    )


@strawberry.type(description="A number of rows.")
class Count:
    value: int = strawberry.field(description="How many rows there are; at most the cap.")
    precision: CountPrecision = strawberry.field(
        description="AT_LEAST when the count stopped at the cap."
    )


@dataclass(frozen=True, slots=True)
class Listing(Generic[R]):
    """How the rows of one list are addressed.

    Args:
        of: the fingerprint of the list, its filter and its order.
        key: returns a row's sort values, its id last.
        key_types: the tuple type of that key.
        max_size: the largest page.
    """

    of: str
    key: Callable[[R], tuple[Any, ...]]
    key_types: type[Any]
    max_size: int = MAX_PAGE_SIZE

    def cursor(self, row: R) -> Cursor:
        """Return the cursor of a row."""
        return Cursor(encode_cursor(self.key(row), of=self.of))

    def request(
        self,
        *,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> PageRequest:
        """Return the page that the arguments of a connection ask for.

        Raises:
            InvalidInput: sizes or cursors that do not go together, or a foreign cursor.
        """
        size, is_backward = page_size(first, last, maximum=self.max_size)
        if after is not None and before is not None:
            raise InvalidInput("Give either after or before, not both.", path=["after"])
        if before is not None and not is_backward:
            raise InvalidInput("before goes together with last.", path=["before"])
        if after is not None and is_backward:
            raise InvalidInput("after goes together with first.", path=["after"])
        cursor = after if after is not None else before
        key = None if cursor is None else decode_cursor(cursor, of=self.of, types=self.key_types)
        return PageRequest(size=size, key=key, is_backward=is_backward)


@strawberry.type(description="A row of a list, with its cursor.")
class Edge(Generic[T]):
    cursor: Cursor = strawberry.field(description="This row's place in the list.")
    node: T = strawberry.field(description="The row.")


@strawberry.type(description="One page of a list.")
class Connection(Generic[T]):
    nodes: list[T] = strawberry.field(description="The rows of this page, in the list's order.")
    rows: strawberry.Private[Page[Any]]
    listing: strawberry.Private[Listing[Any]]
    counter: strawberry.Private[Counter]

    @strawberry.field(description="The rows of this page with their cursors.")
    def edges(self) -> list[Edge[T]]:
        cursor = self.listing.cursor
        return [
            Edge(cursor=cursor(row), node=node)
            for row, node in zip(self.rows.items, self.nodes, strict=True)
        ]

    @strawberry.field(description="What lies before and behind this page.")
    def page_info(self) -> PageInfo:
        items, cursor = self.rows.items, self.listing.cursor
        return PageInfo(
            has_next_page=self.rows.has_next,
            has_previous_page=self.rows.has_previous,
            start_cursor=cursor(items[0]) if items else None,
            end_cursor=cursor(items[-1]) if items else None,
        )

    @strawberry.field(description="How many rows the whole list has; counted when asked for.")
    async def total_count(
        self,
        cap: Annotated[
            int, strawberry.argument(description="Where to stop counting: 1 to 10,000.")
        ] = COUNT_CAP,
    ) -> Count:
        if not 1 <= cap <= COUNT_CAP:
            raise InvalidInput(f"cap is from 1 to {COUNT_CAP:,}.", path=["cap"])
        found = await self.counter(cap)
        precision = CountPrecision.AT_LEAST if found > cap else CountPrecision.EXACT
        return Count(value=min(found, cap), precision=precision)


def connect(
    rows: Page[R], *, listing: Listing[R], show: Callable[[R], T], count: Counter
) -> Connection[T]:
    """Return the connection that shows a page of rows."""
    return Connection(
        nodes=[show(row) for row in rows.items], rows=rows, listing=listing, counter=count
    )
