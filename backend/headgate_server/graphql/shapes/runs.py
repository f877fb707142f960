"""What flow runs and task runs have in common, and the pages of their history."""

from abc import abstractmethod
from datetime import datetime, timedelta

import strawberry

from headgate_server.domain.pagination import Page, PageRequest, fingerprint
from headgate_server.graphql.connections import After, Connection, First, Listing, connect
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.shapes.nodes import Node
from headgate_server.graphql.shapes.states import State

_HISTORY: Listing[State] = Listing(
    of=fingerprint("states"), key=lambda state: (state.sequence,), key_types=tuple[int]
)


@strawberry.interface(description="An execution: of a flow, or of one of its tasks.")
class Run(Node):
    name: str = strawberry.field(description="For people; at most 300 characters.")
    state: State = strawberry.field(description="The state it is in.")
    started_at: datetime | None = strawberry.field(description="When it first started.")
    ended_at: datetime | None = strawberry.field(description="When it ended.")
    duration: timedelta | None = strawberry.field(
        description="From the first start to the end; null until it has ended."
    )

    @scoped_field(requires=ANY_CREDENTIAL, description="Its tags, sorted; at most 50.")
    async def tags(self, info: Info) -> list[str]:
        return await self.read_tags(info)

    @scoped_field(
        requires=ANY_CREDENTIAL, description="Every state it was in, the first one first."
    )
    async def state_history(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[State]:
        rows = await self.read_states(info, _HISTORY.request(first=first, after=after))

        async def count(cap: int) -> int:
            return min(self.state.sequence, cap + 1)

        return connect(rows, listing=_HISTORY, show=_itself, count=count)

    @abstractmethod
    async def read_tags(self, info: Info) -> list[str]:
        """Return the sorted tags."""

    @abstractmethod
    async def read_states(self, info: Info, page: PageRequest) -> Page[State]:
        """Return a page of its states, the first one first; the key is the sequence."""


def _itself(state: State) -> State:
    return state
