"""Values that lie in blocks as they are, although a schema calls their places secret.

So it is with a block that was filled in before its type called them that. They are masked like
secrets wherever a block is shown, and sealed as the block is filled in again.
"""

import asyncio
from collections.abc import Collection
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.blocks import documents as rules
from headgate_server.domain.blocks import paths
from headgate_server.domain.blocks.blocks import BlockDocument, BlockSchema
from headgate_server.domain.blocks.marks import MAX_STEPS, find_places
from headgate_server.domain.blocks.paths import Parts
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.parameters import Budget
from headgate_server.repositories.blocks import types

MAX_STEPS_TOGETHER = 10 * MAX_STEPS
LEAST_STEPS = MAX_STEPS // 20
"""What is left of them to each block, however large those before it are."""


async def find_bare(
    work: UnitOfWork, documents: Collection[BlockDocument]
) -> dict[UUID, list[Parts]]:
    """Return where values of blocks are secret and not sealed, by block.

    Both the schema that a block was filled in for and the newest of its type say what is secret.
    Where that takes too long to find out, all that the block has is taken to be; small blocks are
    looked through however large the others are.
    """
    if not documents:
        return {}
    own = await types.get_many_schemas(work, list({one.block_schema_id for one in documents}))
    newest = await types.get_many_newest(work, list({one.block_type_id for one in documents}))

    def find() -> dict[UUID, list[Parts]]:
        left = MAX_STEPS_TOGETHER
        found: dict[UUID, list[Parts]] = {}
        for one in documents:
            most = max(min(left, MAX_STEPS), LEAST_STEPS)
            budget = Budget(most)
            schemas = (own.get(one.block_schema_id), newest.get(one.block_type_id))
            distinct = {schema.id: schema for schema in schemas if schema is not None}
            if places := _bare(one, distinct.values(), budget):
                found[one.id] = places
            left -= most - max(budget.steps, 0)
        return found

    # A large schema takes a while to look through: others go on meanwhile.
    return await asyncio.to_thread(find)


def _bare(document: BlockDocument, schemas: Collection[BlockSchema], budget: Budget) -> list[Parts]:
    patterns = {path for schema in schemas for path in schema.secret_paths}
    try:
        for schema in schemas:
            found = find_places(document.data, fields=schema.fields, named=(), budget=budget)
            patterns.update(map(paths.join, found))
    except InvalidInput:
        return [(name,) for name in document.data]
    return rules.list_bare(document.data, secret_paths=sorted(patterns))
