"""Blocks over the API: register, save, find, list, delete; resolve with secrets, as a run."""

import re
from datetime import datetime
from typing import Any, cast

import msgspec

from headgate.api.calls import (
    PAGE_SIZE,
    Answer,
    LeaseInput,
    Page,
    ask_workspace,
    change,
    change_or_make,
    given,
    read_page,
)
from headgate.api.transport import Transport
from headgate.redaction import redactor

NOUN = "blocks"
MAX_RESOLVED = 50


class BlockTypeAnswer(Answer, frozen=True):
    """A kind of blocks."""

    id: str
    slug: str
    name: str
    version: int
    description: str | None = None


class SecretAnswer(Answer, frozen=True):
    """What may be known of a secret."""

    path: str
    is_set: bool
    external: bool
    fingerprint: str | None = None
    updated_at: datetime | None = None


class SchemaAnswer(Answer, frozen=True):
    """The schema that a block was filled in for."""

    checksum: str
    capabilities: list[str]


class NewestSchema(Answer, frozen=True):
    """What blocks of a type are filled in for now.

    Args:
        secret_paths: which fields are secret; ``*`` stands for any key or place of a list.
    """

    checksum: str
    secret_paths: list[str]


class BlockAnswer(Answer, frozen=True):
    """A block without its secrets, as everybody sees it."""

    id: str
    name: str
    reference: str
    version: int
    updated_at: datetime
    data: dict[str, Any]
    missing: list[str]
    schema: SchemaAnswer
    secrets: list[SecretAnswer]


class FoundBlock(msgspec.Struct, frozen=True, kw_only=True):
    """What a reference stands for in a workspace, if anything."""

    workspace_id: str
    block: BlockAnswer | None


class ReferredBlock(Answer, frozen=True):
    """A block that another refers to."""

    id: str
    name: str


class ResolvedBlock(Answer, frozen=True):
    """A block with its secrets, for the run that may use it.

    Args:
        data: whole, with the blocks that it refers to inside.
        secret_paths: where secrets are in it.
        external_paths: where a secret of another store is only named.
        references: which blocks those inside are, by where they are.
        named_elsewhere: what stood where secrets of other stores are by now.
    """

    id: str
    type_slug: str
    name: str
    version: int
    data: dict[str, Any]
    secret_paths: list[str]
    external_paths: list[str] = msgspec.field(default_factory=list[str])
    references: dict[str, ReferredBlock] = msgspec.field(default_factory=dict[str, ReferredBlock])
    named_elsewhere: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])


class NewType(msgspec.Struct, frozen=True, kw_only=True):
    """A type and what its blocks consist of, to be registered."""

    slug: str
    name: str
    fields: dict[str, Any]
    secret_paths: list[str] = []
    capabilities: list[str] = []
    logo_url: str | None = None
    documentation_url: str | None = None
    description: str | None = None
    code_example: str | None = None


def split_path(path: str) -> list[str]:
    """Return the parts of a path: joined by dots, a dot in a part follows a backslash."""
    parts = re.findall(r"(?:[^\\.]|\\.)+", path, flags=re.DOTALL)
    return [re.sub(r"\\(.)", r"\1", part, flags=re.DOTALL) for part in parts]


def at_path(document: Any, path: str) -> Any:
    """Return what stands at a path of a document; None where there is nothing."""
    for part in split_path(path):
        if isinstance(document, dict):
            document = cast("dict[str, Any]", document).get(part)
        elif isinstance(document, list):
            items = cast("list[Any]", document)
            document = items[int(part)] if part.isdigit() and int(part) < len(items) else None
        else:
            return None
    return document


def replaced_at(document: Any, path: str, value: Any) -> Any:
    """Return a document with another value in a place that it has; the first is left as it is."""
    return _replaced(document, split_path(path), value)


def _replaced(document: Any, parts: list[str], value: Any) -> Any:
    if not parts:
        return value
    head, *rest = parts
    if isinstance(document, list):
        items = list(cast("list[Any]", document))
        items[int(head)] = _replaced(items[int(head)], rest, value)
        return items
    entries = cast("dict[str, Any]", document)
    return {**entries, head: _replaced(entries[head], rest, value)}


async def register(transport: Transport, *, workspace_id: str, new: NewType) -> str:
    """Register a type and its fields, and return the checksum of the schema.

    Raises:
        InvalidInputError: what is no JSON Schema, or a bad slug.
    """
    payload = await change(
        transport,
        NOUN,
        "BlockTypeUpsert",
        input=given(
            workspaceId=workspace_id,
            slug=new.slug,
            name=new.name,
            logoUrl=new.logo_url,
            documentationUrl=new.documentation_url,
            description=new.description,
            codeExample=new.code_example,
        ),
    )
    registered = await change(
        transport,
        NOUN,
        "BlockSchemaRegister",
        input={
            "blockTypeId": payload["blockType"]["id"],
            "fields": new.fields,
            "secretPaths": new.secret_paths,
            "capabilities": new.capabilities,
        },
    )
    return str(registered["blockSchema"]["checksum"])


async def save(
    transport: Transport,
    *,
    workspace_id: str,
    type_slug: str,
    name: str,
    data: dict[str, Any],
    checksum: str | None = None,
    expected_version: int | None = None,
    is_new: bool = False,
) -> BlockAnswer:
    """Fill in a block, with its secrets in their places; secrets it had besides go.

    Args:
        is_new: whether one that is there is left as it is.

    Raises:
        VersionConflictError: it is not of the expected version.
        ConflictError: it was to be new, and is there.
        InvalidInputError: the data does not fit the type's fields.
    """
    payload = await change_or_make(
        transport,
        NOUN,
        "BlockDocumentUpsert",
        input={
            "data": data,
            "replaceSecrets": True,
            **given(
                workspaceId=workspace_id,
                typeSlug=type_slug,
                name=name,
                schemaChecksum=checksum,
                expectedVersion=expected_version,
            ),
        },
        is_new=is_new,
    )
    return msgspec.convert(payload["blockDocument"], BlockAnswer)


async def delete(transport: Transport, *, block_id: str) -> None:
    """Delete a block.

    Raises:
        ConflictError: other blocks refer to it.
    """
    await change(transport, NOUN, "BlockDocumentDelete", input={"id": block_id})


async def find(
    transport: Transport, *, organization: str, workspace: str, reference: str
) -> FoundBlock:
    """Return the block that is called ``type-slug/name``, if there is one."""
    place = await ask_workspace(
        transport,
        NOUN,
        "BlockDocument",
        organization=organization,
        workspace=workspace,
        reference=reference,
    )
    found = place["blockDocument"]
    return FoundBlock(
        workspace_id=str(place["id"]),
        block=None if found is None else msgspec.convert(found, BlockAnswer),
    )


async def resolve(
    transport: Transport, *, lease: LeaseInput, references: list[str]
) -> dict[str, ResolvedBlock]:
    """Return blocks with their secrets to the run that holds a lease, by reference.

    From here on this process masks the secrets in whatever it says.

    Raises:
        NotFoundError: no such block, or the run may not use it.
        LeaseLostError: the run has ended, or was given to another.
    """
    found: dict[str, ResolvedBlock] = {}
    for start in range(0, len(references), MAX_RESOLVED):
        payload = await change(
            transport,
            NOUN,
            "BlockResolve",
            input={
                "lease": lease.as_variables(),
                "references": references[start : start + MAX_RESOLVED],
            },
        )
        found |= msgspec.convert(payload["blocks"], dict[str, ResolvedBlock])
    for block in found.values():
        for path in block.secret_paths:
            redactor.add(at_path(block.data, path))
    return found


async def list_blocks(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    type_slug: str | None = None,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[BlockAnswer]:
    """Return blocks by name."""
    place = await ask_workspace(
        transport,
        NOUN,
        "BlockDocuments",
        organization=organization,
        workspace=workspace,
        typeSlug=type_slug,
        first=first,
        after=after,
    )
    return read_page(place["blockDocuments"], item=BlockAnswer)


async def find_schema(
    transport: Transport, *, organization: str, workspace: str, type_slug: str
) -> NewestSchema | None:
    """Return the newest schema of a type, if the type is registered and has one."""
    place = await ask_workspace(
        transport,
        NOUN,
        "BlockType",
        organization=organization,
        workspace=workspace,
        slug=type_slug,
    )
    type_ = place["blockType"]
    nodes: list[Any] = [] if type_ is None else type_["schemas"]["nodes"]
    return msgspec.convert(nodes[0], NewestSchema) if nodes else None


async def list_types(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[BlockTypeAnswer]:
    """Return block types by slug."""
    place = await ask_workspace(
        transport,
        NOUN,
        "BlockTypes",
        organization=organization,
        workspace=workspace,
        first=first,
        after=after,
    )
    return read_page(place["blockTypes"], item=BlockTypeAnswer)
