"""A small schema in the house's style, for tests of what every schema shares."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import strawberry

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import errors
from headgate_server.domain.pagination import COUNT_CAP, Page, PageRequest, fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.connections import (
    After,
    Before,
    Connection,
    First,
    Last,
    Listing,
    connect,
)
from headgate_server.graphql.directives import Cost
from headgate_server.graphql.enums import Direction
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.permissions import (
    ANY_CREDENTIAL,
    Info,
    scoped_field,
    scoped_subscription,
)
from headgate_server.graphql.scalars import JSON, Key
from headgate_server.graphql.schema import make_schema

FOREST_SIZE = 12_000
LISTING: Listing[int] = Listing(
    of=fingerprint("trees"), key=lambda number: (number,), key_types=tuple[int]
)

FAILURES: dict[str, Exception] = {
    "invalid": errors.InvalidInput("Too long.", path=["name"]),
    "not found": errors.NotFound(),
    "forbidden": errors.Forbidden(missing_scopes=["RUNS_READ"]),
    "conflict": errors.Conflict(),
    "version": errors.VersionConflict(current_version=7),
    "limit": errors.LimitExceeded(limit=3, current=4),
    "transition": errors.IllegalTransition(
        current="COMPLETED", proposed="RUNNING", retry_after_seconds=1.5
    ),
    "lease": errors.LeaseLost(current_epoch=4, holder="agent-1"),
    "session": errors.SessionFenced(),
    "mismatch": errors.IdempotencyMismatch(),
    "unavailable": errors.Unavailable(),
    "timeout": TimeoutError(),
    "bug": KeyError("the secret of the database"),
}


def list_numbers(page: PageRequest) -> Page[int]:
    """Return a page of the whole numbers below the size of the forest."""
    start = page.key[0] if page.key else None
    if page.is_backward:
        stop = FOREST_SIZE if start is None else start
        first = max(stop - page.size, 0)
        return Page(range(first, stop), has_next=stop < FOREST_SIZE, has_previous=first > 0)
    first = 0 if start is None else start + 1
    stop = min(first + page.size, FOREST_SIZE)
    return Page(range(first, stop), has_next=stop < FOREST_SIZE, has_previous=first > 0)


async def read_versions(_work: UnitOfWork, ids: list[UUID]) -> Mapping[UUID, int]:
    return dict.fromkeys(ids, STATE.version)


class State:
    """What the local mutation changes, and how many subscriptions wait."""

    version = 0
    waiting = 0


STATE = State()


@strawberry.type(description="A tree.")
class Tree:
    number: int = strawberry.field(description="Its number.")

    @scoped_field(requires=ANY_CREDENTIAL, description="The next tree.")
    def next(self) -> "Tree":
        return Tree(number=self.number + 1)

    @scoped_field(requires=[Scope.LOGS_READ], description="What only some may see.")
    def secret(self) -> str | None:
        return "sap"

    @scoped_field(requires=[Scope.LOGS_READ], description="What only some may see, never null.")
    async def secret_rings(self) -> list[int]:
        return [self.number]

    @scoped_field(requires=ANY_CREDENTIAL, description="Trees near it.")
    def neighbours(self, first: First = None, after: After = None) -> Connection["Tree"]:
        return list_trees(first=first, after=after)


async def count_trees(cap: int) -> int:
    return min(FOREST_SIZE, cap + 1)


def list_trees(
    *,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
) -> Connection[Tree]:
    page = LISTING.request(first=first, after=after, last=last, before=before)
    return connect(
        list_numbers(page),
        listing=LISTING,
        show=lambda number: Tree(number=number),
        count=count_trees,
    )


@strawberry.type(description="What a planting returns.")
class PlantPayload:
    tree: Tree | None = payload_field("The tree.")
    errors: list[MutationError] = errors_field()


@strawberry.input(description="Which trees.")
class TreeFilter:
    names: list[str] | None = strawberry.field(default=None, description="Of these names.")
    and_: list["TreeFilter"] | None = strawberry.field(
        name="and", default=None, description="All of these."
    )
    like: JSON | None = strawberry.field(default=None, description="Anything.")
    way: Direction | None = strawberry.field(default=None, description="In which order.")


Which = Annotated[TreeFilter | None, strawberry.argument(description="Which.")]


@strawberry.type
class Query:
    @scoped_field(requires=ANY_CREDENTIAL, description="How many names and filters are within.")
    def find(self, filter: Which = None) -> int:
        return len((filter and filter.names) or ()) + len((filter and filter.and_) or ())

    @scoped_field(requires=ANY_CREDENTIAL, description="A tree.")
    def tree(self) -> Tree:
        return Tree(number=0)

    @scoped_field(requires=ANY_CREDENTIAL, description="Trees.")
    def trees(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Tree]:
        return list_trees(first=first, after=after, last=last, before=before)

    @scoped_field(requires=ANY_CREDENTIAL, description="Dear.", directives=[Cost(weight=4_000)])
    def dear(self) -> Tree:
        return Tree(number=1)

    @scoped_field(requires=ANY_CREDENTIAL, description="Fails.")
    def fail(self, how: Annotated[str, strawberry.argument(description="How.")]) -> int | None:
        raise FAILURES[how]

    @scoped_field(requires=ANY_CREDENTIAL, description="Waits for longer than any operation may.")
    async def wait(self) -> int | None:
        await asyncio.Event().wait()
        return None

    @scoped_field(requires=ANY_CREDENTIAL, description="The state, through the loaders.")
    async def version(self, info: Info) -> int | None:
        workspace_id = info.context.principal.workspace_id
        assert workspace_id is not None
        return await info.context.load(read_versions, workspace_id, workspace_id=workspace_id)

    @scoped_field(requires=ANY_CREDENTIAL, description="Scalars there and back.")
    def echo(self, at: datetime, lasts: timedelta, what: JSON, key: Key) -> JSON:
        return JSON([at.isoformat(), lasts.total_seconds(), what, key])

    @scoped_field(requires=ANY_CREDENTIAL, description="A time.")
    def at(self, at: datetime) -> datetime:
        return at

    @scoped_field(requires=ANY_CREDENTIAL, description="A length of time.")
    def lasts(self, lasts: timedelta) -> timedelta:
        return lasts


@strawberry.type
class Mutation:
    @mutation(requires=[Scope.RUNS_WRITE], description="Plants a tree, or fails as told.")
    async def plant(self, how: str | None = None) -> PlantPayload:
        if how is not None:
            raise FAILURES[how]
        STATE.version += 1
        return PlantPayload(tree=Tree(number=STATE.version))

    @mutation(requires=ANY_CREDENTIAL, description="What takes much at once.")
    async def flow_run_create_batch(self, numbers: list[int]) -> PlantPayload:
        return PlantPayload(tree=Tree(number=len(numbers)))

    @mutation(requires=ANY_CREDENTIAL, description="A bulk report.")
    async def logs_append(self, batch: JSON) -> PlantPayload:
        return PlantPayload(tree=Tree(number=len(str(batch))))


@strawberry.type
class Subscription:
    @scoped_subscription(requires=ANY_CREDENTIAL, description="Counts, changing the state.")
    async def count(self, to: int) -> AsyncGenerator[Tree, None]:
        for number in range(to):
            STATE.version += 1
            yield Tree(number=number)

    @scoped_subscription(requires=ANY_CREDENTIAL, description="The state at each change.")
    async def versions(self, info: Info, to: int) -> AsyncGenerator[int, None]:
        workspace_id = info.context.principal.workspace_id
        assert workspace_id is not None
        for _ in range(to):
            STATE.version += 1
            read = info.context.load(read_versions, workspace_id, workspace_id=workspace_id)
            yield await read or 0

    @scoped_subscription(requires=ANY_CREDENTIAL, description="Never says anything.")
    async def silence(self) -> AsyncGenerator[int, None]:
        STATE.waiting += 1
        try:
            await asyncio.Event().wait()
            yield 0
        finally:
            STATE.waiting -= 1


SCHEMA = make_schema(query=Query, mutation=Mutation, subscription=Subscription)
CAP = COUNT_CAP
