"""Reading blocks, without their secrets."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.blocks import documents as rules
from headgate_server.domain.blocks import paths, schemas
from headgate_server.domain.blocks.blocks import BlockDocument, BlockSchema, SecretField
from headgate_server.domain.blocks.lacks import MAX_STEPS_TOGETHER
from headgate_server.domain.blocks.paths import Parts
from headgate_server.domain.filters import NameFilter
from headgate_server.domain.names import KEY
from headgate_server.domain.pagination import COUNT_CAP, Beginning, Page, PageRequest
from headgate_server.domain.parameters import Budget
from headgate_server.repositories.blocks import documents, secrets, types
from headgate_server.services.blocks.bare import find_bare


@dataclass(frozen=True, slots=True)
class BlockFilter:
    """Narrows a list of blocks: by name, by type, by what they can do."""

    name: NameFilter | None = None
    type_slug: str | None = None
    capability: str | None = None


async def find_by_reference(work: UnitOfWork, *, reference: str) -> BlockDocument | None:
    """Return the block that is called ``type-slug/name``."""
    slug, _, name = reference.partition("/")
    if "\0" in slug or not KEY.fullmatch(name):
        return None
    return (await documents.get_many_named(work, [(slug, name)])).get(reference)


async def get_many_documents(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, BlockDocument]:
    """Return those of the blocks that are in the workspace, by id."""
    return await documents.get_many(work, ids_)


async def get_many_secret_fields(
    work: UnitOfWork, ids_: Sequence[UUID]
) -> dict[UUID, list[SecretField]]:
    """Return what may be known of the secrets of blocks, by path; one without any is absent."""
    return await secrets.get_many_fields(work, ids_)


async def get_many_missing(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, list[str]]:
    """Return what the newest schemas of their types require and blocks do not have, by block.

    What they have, but bare where it should be sealed, is to be filled in again as well, and so are
    secrets whose key was destroyed.
    """
    found = await documents.get_many(work, ids_)
    newest = await types.get_many_newest(work, list({one.block_type_id for one in found.values()}))
    fields = await secrets.get_many_fields(work, list(found))

    def find() -> dict[UUID, list[str]]:
        missing: dict[UUID, list[str]] = {}
        budget = Budget(MAX_STEPS_TOGETHER)
        for id_, document in found.items():
            schema = newest.get(document.block_type_id)
            own = fields.get(id_, [])
            if schema is not None and schema.id != document.block_schema_id:
                set_ = [paths.split(field.path) for field in own if not field.is_lost]
                missing[id_] = list_missing(document, schema, secret=set_, budget=budget)
            if lost := {field.path for field in own if field.is_lost}:
                missing[id_] = sorted(lost.union(missing.get(id_, [])))
        return missing

    # Large blocks take a while to look through: others go on meanwhile.
    missing = await asyncio.to_thread(find)
    for id_, places in (await find_bare(work, found.values())).items():
        missing[id_] = sorted({*missing.get(id_, []), *map(paths.join, places)})
    return missing


async def get_many_bare(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, list[str]]:
    """Return the paths of what lies bare in blocks although it is secret, by block."""
    found = await find_bare(work, (await documents.get_many(work, ids_)).values())
    return {id_: list(map(paths.join, places)) for id_, places in found.items()}


async def get_many_referring(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, Beginning[UUID]]:
    """Return the first blocks that refer to each, by name; one that none refers to is absent."""
    return await documents.get_many_referring(work, ids_)


def list_missing(
    document: BlockDocument, schema: BlockSchema, *, secret: Sequence[Parts], budget: Budget
) -> list[str]:
    """Return what a schema requires and a block does not have."""
    unknown = [*secret, *rules.list_references(document.data)]
    return schemas.list_missing(document.data, fields=schema.fields, unknown=unknown, budget=budget)


async def list_documents(
    work: UnitOfWork, *, page: PageRequest, filter: BlockFilter
) -> Page[BlockDocument]:
    """Return a page of blocks: the page key is ``(name, id)``."""
    return await documents.list_documents(
        work,
        page=page,
        filter=filter.name,
        type_slug=filter.type_slug,
        capability=filter.capability,
    )


async def count_documents(work: UnitOfWork, *, filter: BlockFilter, cap: int = COUNT_CAP) -> int:
    """Return how many blocks match; ``cap + 1`` stands for more than ``cap``."""
    return await documents.count_documents(
        work,
        filter=filter.name,
        type_slug=filter.type_slug,
        capability=filter.capability,
        cap=cap,
    )
