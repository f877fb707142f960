"""Block types and the versions of their schemas: registered as often as wanted."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from msgspec import UNSET, UnsetType

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.blocks import blocks as rules
from headgate_server.domain.blocks import schemas
from headgate_server.domain.blocks.blocks import BlockSchema, BlockType
from headgate_server.domain.changes import changed, check_absent, check_version, given
from headgate_server.domain.errors import InvalidInput, NotFound, Unavailable
from headgate_server.domain.pagination import COUNT_CAP, Page, PageRequest
from headgate_server.repositories.blocks import types
from headgate_server.services.events import record_change

MAX_LABEL_LENGTH = 100


@dataclass(frozen=True, slots=True)
class BlockTypeChanges:
    """What to set of a type; what is UNSET keeps its value, or is empty in a new type."""

    name: str | UnsetType = UNSET
    logo_url: str | UnsetType | None = UNSET
    documentation_url: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    code_example: str | UnsetType | None = UNSET


@dataclass(frozen=True, slots=True)
class NewSchema:
    """Fields of a type that are to be registered.

    Args:
        fields: a JSON Schema.
        capabilities: what blocks of it can do, such as read-path.
        secret_paths: which fields are secret, beside those that the schema marks.
        version_label: what their author calls this version.
    """

    fields: dict[str, Any]
    capabilities: Sequence[str] = ()
    secret_paths: Sequence[str] = ()
    version_label: str | None = None


async def upsert_type(
    work: UnitOfWork,
    *,
    slug: str,
    changes: BlockTypeChanges,
    expected_version: int | None = None,
) -> tuple[BlockType, bool]:
    """Make or change the type of a slug, and say whether it was made.

    Raises:
        InvalidInput: a bad slug, name, address or text.
        NotFound: a version is expected of a type that does not exist.
        Conflict: none was expected, and there is one.
        VersionConflict: the type is not of the expected version.
    """
    rules.check_slug(slug)
    wanted = _checked(given(changes))
    current = await types.lock_type(work, slug=slug)
    if current is None:
        if expected_version:
            raise NotFound
        values = {"name": slug, **wanted}
        made = await types.insert_type(work, id_=ids.new_id(), slug=slug, values=values)
        if made is None:
            raise Unavailable("Another caller has just made this block type; send it again.")
        await _record(work, made, None)
        return made, True
    shown = ids.show(ids.Kind.BLOCK_TYPE, current.id)
    check_absent(shown, expected=expected_version, field="slug")
    check_version(current.version, expected=expected_version)
    differences = changed(current, wanted)
    if not differences:
        return current, False
    updated = await types.update_type(work, id_=current.id, changes=differences)
    await _record(work, updated, list(differences), before=current)
    return updated, False


async def register_schema(
    work: UnitOfWork, *, block_type_id: UUID, new: NewSchema
) -> tuple[BlockSchema, bool]:
    """Return the schema of a type that has these fields, made if there is none.

    Documents of older schemas stay as they are; what they lack is told with them. A field that was
    secret in any schema of the type is secret in each that is made later, whatever that marks.

    Raises:
        NotFound: no such type.
        InvalidInput: fields that are no JSON Schema, bad capabilities or secret paths.
    """
    # A large schema takes a while to look through: others go on meanwhile.
    fields = await asyncio.to_thread(schemas.check_fields, new.fields)
    secret_paths = await asyncio.to_thread(schemas.list_secret_paths, fields, new.secret_paths)
    capabilities = rules.check_capabilities(new.capabilities)
    label = rules.check_text(new.version_label, name="versionLabel", most=MAX_LABEL_LENGTH)
    type_ = await types.lock_type(work, id_=block_type_id)
    if type_ is None:
        raise NotFound("No such block type; register it first.")
    described: dict[str, Any] = {"fields": fields, "capabilities": list(capabilities)}
    found, checksum = await _find_schema(work, type_, **described, secret_paths=secret_paths)
    if found is None:
        ever = await types.list_secret_paths(work, block_type_id=type_.id)
        secret_paths = schemas.with_former(secret_paths, ever, fields=fields)
        found, checksum = await _find_schema(work, type_, **described, secret_paths=secret_paths)
    if found is not None:
        return found, False
    made = await types.insert_schema(
        work,
        id_=ids.new_id(),
        block_type_id=type_.id,
        values={
            **described,
            "checksum": checksum,
            "version_label": label,
            "secret_paths": list(secret_paths),
        },
    )
    await record_change(
        work,
        kind=ids.Kind.BLOCK_SCHEMA,
        id_=made.id,
        name=type_.slug,
        version=made.number,
        changed=None,
        verb="registered",
        after={"checksum": checksum, "secret_paths": secret_paths, "capabilities": capabilities},
    )
    return made, True


async def _find_schema(
    work: UnitOfWork,
    type_: BlockType,
    *,
    fields: dict[str, Any],
    capabilities: Sequence[str],
    secret_paths: Sequence[str],
) -> tuple[BlockSchema | None, str]:
    """Return the schema of a type that is so described, and its checksum."""
    checksum = rules.checksum_of(fields, capabilities=capabilities, secret_paths=secret_paths)
    return await types.find_schema(work, block_type_id=type_.id, checksum=checksum), checksum


async def find_type(work: UnitOfWork, *, slug: str) -> BlockType | None:
    """Return the type of a slug."""
    return await types.find_type(work, slug=slug) if "\0" not in slug else None


async def get_many_types(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, BlockType]:
    """Return those of the types that are in the workspace, by id."""
    return await types.get_many_types(work, ids_)


async def get_many_schemas(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, BlockSchema]:
    """Return those of the schemas that are in the workspace, by id."""
    return await types.get_many_schemas(work, ids_)


async def get_many_newest(work: UnitOfWork, type_ids: Sequence[UUID]) -> dict[UUID, BlockSchema]:
    """Return the newest schema of each type; a type without any is absent."""
    return await types.get_many_newest(work, type_ids)


async def list_types(work: UnitOfWork, *, page: PageRequest) -> Page[BlockType]:
    """Return a page of types: the page key is ``(slug, id)``."""
    return await types.list_types(work, page=page)


async def count_types(work: UnitOfWork, *, cap: int = COUNT_CAP) -> int:
    """Return how many types there are; ``cap + 1`` stands for more than ``cap``."""
    return await types.count_types(work, cap=cap)


async def list_schemas(
    work: UnitOfWork, *, block_type_id: UUID, page: PageRequest
) -> Page[BlockSchema]:
    """Return a page of a type's schemas, the newest first: the page key is ``(number,)``."""
    return await types.list_schemas(work, block_type_id=block_type_id, page=page)


async def count_schemas(work: UnitOfWork, *, block_type_id: UUID, cap: int = COUNT_CAP) -> int:
    """Return how many schemas a type has; ``cap + 1`` stands for more than ``cap``."""
    return await types.count_schemas(work, block_type_id=block_type_id, cap=cap)


def _checked(wanted: dict[str, Any]) -> dict[str, Any]:
    name = wanted.get("name")
    if name is not None and not (1 <= len(name) <= rules.MAX_NAME_LENGTH and name.isprintable()):
        raise InvalidInput(
            f"A type's name has 1 to {rules.MAX_NAME_LENGTH} characters.", path=["name"]
        )
    rules.check_url(wanted.get("logo_url"), name="logoUrl")
    rules.check_url(wanted.get("documentation_url"), name="documentationUrl")
    for field, shown in (("description", "description"), ("code_example", "codeExample")):
        rules.check_text(wanted.get(field), name=shown, most=rules.MAX_TEXT_LENGTH)
    return wanted


async def _record(
    work: UnitOfWork, type_: BlockType, changes: list[str] | None, *, before: object = None
) -> None:
    await record_change(
        work,
        kind=ids.Kind.BLOCK_TYPE,
        id_=type_.id,
        name=type_.slug,
        version=type_.version,
        changed=changes,
        before=before,
        after=type_,
    )
