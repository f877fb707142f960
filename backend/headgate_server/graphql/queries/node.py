"""Any object by its id."""

import asyncio
from typing import Annotated, Any

import strawberry

from headgate_server.domain.errors import InvalidInput
from headgate_server.graphql.directives import Cost
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.shapes.nodes import Node, find_node

MAX_NODES = 100


@strawberry.type
class NodeQueries:
    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="An object by its id; null for missing and for forbidden alike. Each kind "
        "needs its own scope to read.",
    )
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
    ) -> Node | None:
        shown: Any = await find_node(info.context, id)
        return shown

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="Objects by their ids, in their order; null for missing and for forbidden.",
        directives=[Cost(weight=1, list_size=MAX_NODES)],
    )
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="At most 100 ids.")],
    ) -> list[Node | None]:
        if len(ids) > MAX_NODES:
            raise InvalidInput(f"At most {MAX_NODES} ids.", path=["ids"])
        return await asyncio.gather(*(find_node(info.context, id_) for id_ in ids))
