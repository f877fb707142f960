"""Documents of blocks: filled in, changed and deleted; their secrets go in and never come out."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.blocks import documents as rules
from headgate_server.domain.blocks import entries, marks, paths, schemas
from headgate_server.domain.blocks.access import split_reference
from headgate_server.domain.blocks.blocks import BlockDocument, BlockSchema, SealedSecret
from headgate_server.domain.blocks.documents import Filled
from headgate_server.domain.blocks.paths import Parts
from headgate_server.domain.changes import check_absent, check_version
from headgate_server.domain.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    LimitExceeded,
    NotFound,
    Unavailable,
)
from headgate_server.domain.names import check_key
from headgate_server.domain.permissions import Scope
from headgate_server.domain.quotas import QuotaKind
from headgate_server.domain.variables import is_same
from headgate_server.repositories.blocks import documents, secrets, types
from headgate_server.services import object_counts
from headgate_server.services.blocks import naming
from headgate_server.services.blocks.bare import find_bare
from headgate_server.services.blocks.sealing import Sealer
from headgate_server.services.events import record_change
from headgate_server.services.roles import forget_roles_on

_SHOWN = 3
MayUse = Callable[[UUID | None], bool]
"""Whether the caller may use a block; None stands for any of the workspace."""


@dataclass(frozen=True, slots=True)
class Filling:
    """What somebody sends of a block.

    Args:
        data: all its fields; secrets may be among them.
        secrets: the path and the value of single secrets; None takes one away.
        is_whole: whether secrets that are not sent go; otherwise they stay.
        checksum: which of the type's schemas the data is of; None is the newest.
    """

    data: dict[str, Any]
    secrets: Sequence[tuple[str, str | None]] = ()
    is_whole: bool = False
    checksum: str | None = None


@dataclass(frozen=True, slots=True)
class _Plan:
    schema: BlockSchema
    filled: Filled
    referred: frozenset[UUID]
    existing: Mapping[str, SealedSecret]
    gone: frozenset[str]


async def upsert_document(
    work: UnitOfWork,
    *,
    type_slug: str,
    name: str,
    filling: Filling,
    sealer: Sealer,
    may_use: MayUse,
    expected_version: int | None = None,
) -> tuple[BlockDocument, bool]:
    """Fill in the block of a type and name, and say whether it was made.

    Sent again as it is, it changes nothing, not even the version.

    Args:
        work: the unit of work.
        type_slug: a registered type.
        name: a key.
        filling: what to fill in.
        sealer: seals secrets.
        may_use: whether the caller may use a block that this one refers to.
        expected_version: refuses the change if the block has another one; 0 if there is one.

    Raises:
        NotFound: no such type, schema or block that is referred to.
        InvalidInput: a bad name, data that does not fit the schema, or a path that is no secret's.
        Forbidden: it refers to a block that the caller may not use, names a secret in another store
            that they may not use, or says anew where secrets go that they may not use, be they
            those of a block that it is a part of.
        VersionConflict: the block is not of the expected version.
        Conflict: none was expected, and there is one.
        Unavailable: nothing can seal now, or another caller makes the block at the same time.
    """
    check_key(name)
    type_ = await types.find_type(work, slug=type_slug) if "\0" not in type_slug else None
    if type_ is None:
        raise NotFound(f"No block type {type_slug[:100]}; register it first.", path=["typeSlug"])
    schema = await types.find_schema(work, block_type_id=type_.id, checksum=filling.checksum)
    if schema is None:
        raise NotFound(f"{type_slug} has no such schema; register it first.", path=["checksum"])
    current = await documents.lock_document(work, block_type_id=type_.id, name=name)
    if current is None and expected_version:
        raise NotFound
    if current is not None:
        check_absent(ids.show(ids.Kind.BLOCK_DOCUMENT, current.id), expected=expected_version)
        check_version(current.version, expected=expected_version)
    plan = await _plan(work, schema, current, filling, may_use=may_use)
    if current is not None:
        return await _change(work, current, plan, sealer=sealer), False
    return await _make(work, plan, name=name, sealer=sealer), True


async def delete_document(
    work: UnitOfWork, *, id_: UUID, expected_version: int | None = None
) -> None:
    """Delete a block with its secrets; those that it refers to stay.

    Raises:
        NotFound: it is in another workspace, or does not exist.
        VersionConflict: it is not of the expected version.
        Conflict: other blocks refer to it, or deployments name it.
    """
    current = await documents.lock_document(work, id_=id_, is_deletion=True)
    if current is None:
        raise NotFound
    check_version(current.version, expected=expected_version)
    referring = await documents.list_referring(work, id_=id_, most=_SHOWN)
    if referring:
        names = ", ".join(document.reference for document in referring)
        raise Conflict(
            f"Other blocks refer to this one: {names}. Change or delete them first.",
            existing_id=ids.show(ids.Kind.BLOCK_DOCUMENT, referring[0].id),
        )
    await naming.check_unnamed(work, current)
    found = await secrets.get_many_fields(work, [id_])
    await forget_roles_on(work, object_id=id_)
    await documents.delete_document(work, id_=id_)
    await object_counts.release(work, QuotaKind.BLOCK_DOCUMENTS)
    before = _said(current, [field.path for field in found.get(id_, [])])
    await _record(work, current, None, verb="deleted", before=before)


async def _plan(
    work: UnitOfWork,
    schema: BlockSchema,
    current: BlockDocument | None,
    filling: Filling,
    *,
    may_use: MayUse,
) -> _Plan:
    own = await secrets.list_sealed(work, [current.id]) if current is not None else []
    existing = {secret.path: secret for secret in own}
    bare = (await find_bare(work, [current])).get(current.id, []) if current is not None else []
    said = await _read_filled(work, schema, filling, known={*existing, *map(paths.join, bare)})
    filled = rules.sealed_too(said, before=current.data if current else {}, bare=bare)
    lost = {path for path, secret in existing.items() if secret.is_lost} - filled.secrets.keys()
    for path in sorted(filled.kept - (existing.keys() - lost)):
        raise InvalidInput(f"{path} holds a mask, but no secret is set there.", path=["data", path])
    gone = (filled.removed & existing.keys()) | _lost(current, filled, existing)
    if filling.is_whole:
        gone |= existing.keys() - filled.kept - filled.secrets.keys()
    staying = (existing.keys() - gone) | filled.secrets.keys()
    if len(staying) > rules.MAX_SECRETS:
        raise LimitExceeded(
            f"A block has at most {rules.MAX_SECRETS} secrets.",
            limit=rules.MAX_SECRETS,
            current=len(staying),
        )
    kept = (existing.keys() - gone - lost - filled.secrets.keys()) | (said.kept - filled.kept)
    referred = await _find_referred(work, filled.references, may_use=may_use)
    await _check_acyclic(work, current, frozenset(referred.values()))
    unknown = [*map(paths.split, sorted(staying - lost)), *filled.external, *filled.references]
    await asyncio.to_thread(schemas.check_data, filled.data, fields=schema.fields, unknown=unknown)
    data = _with_ids(filled.data, referred)
    if current is not None:
        before = paths.without(current.data, dict.fromkeys([*bare, *map(paths.split, existing)]))
        entries.check_kept(kept, masked=said.kept, before=before, after=data)
    is_external = rules.names_external(data)
    if (kept or is_external) and not may_use(current.id if current is not None else None):
        _check_purpose(current, schema, data, is_external=is_external)
    if current is not None and not may_use(None) and not _is_as_before(current, schema, data):
        await _check_referring(work, current, may_use=may_use)
    return _Plan(
        schema=schema,
        filled=replace(filled, data=data),
        referred=frozenset(referred.values()),
        existing=existing,
        gone=frozenset(gone),
    )


def _with_ids(data: Any, referred: Mapping[Parts, UUID]) -> Any:
    """Return data with the ids of the blocks that it refers to."""
    shown = {
        parts: {rules.REFERENCE: ids.show(ids.Kind.BLOCK_DOCUMENT, id_)}
        for parts, id_ in referred.items()
    }
    return paths.replaced_all(data, shown)


async def _read_filled(
    work: UnitOfWork, schema: BlockSchema, filling: Filling, *, known: set[str]
) -> Filled:
    """Return what is sent with its secrets apart: those of its schemas, and those that are known.

    The newest schema of the type is among them, whichever one the data is of.
    """
    named = [path for path, _ in filling.secrets]
    newest = schema
    if filling.checksum is not None:
        newest = await types.find_schema(work, block_type_id=schema.block_type_id) or schema

    def find() -> Filled:
        secret = set(known)
        for one in {schema.id: schema, newest.id: newest}.values():
            marked = marks.find_places(filling.data, fields=one.fields, named=named)
            secret.update(one.secret_paths, map(paths.join, marked))
        return rules.read_filled(filling.data, secrets=filling.secrets, secret_paths=sorted(secret))

    # A large schema takes a while to look through: others go on meanwhile.
    return await asyncio.to_thread(find)


def _lost(
    current: BlockDocument | None, filled: Filled, existing: Mapping[str, SealedSecret]
) -> set[str]:
    """Return the secrets whose entry of a list is gone: they go with it."""
    before = current.data if current is not None else {}
    return {
        path
        for path in existing.keys() - filled.kept - filled.secrets.keys()
        if paths.is_entry_gone(paths.split(path), before=before, after=filled.data)
    }


def _is_as_before(current: BlockDocument | None, schema: BlockSchema, data: Any) -> bool:
    return (
        current is not None and current.block_schema_id == schema.id and is_same(current.data, data)
    )


async def _check_referring(work: UnitOfWork, current: BlockDocument, *, may_use: MayUse) -> None:
    """Let nobody change what is a part of blocks with secrets that they may not use.

    Raises:
        Forbidden: it says where the secrets of such a block go.
    """
    for referring in await documents.list_with_secrets(work, referring_to=current.id):
        if not may_use(referring.id):
            raise Forbidden(
                f"{referring.reference} has secrets that you may not use, and this block is a part "
                "of it that may say where they go: ask for BLOCKS_USE of it.",
                missing_scopes=[Scope.BLOCKS_USE.value],
            )


def _check_purpose(
    current: BlockDocument | None, schema: BlockSchema, data: Any, *, is_external: bool
) -> None:
    """Let nobody say where secrets go that they may not use: the next run would send them there.

    A secret that lies in another store is never given again, only named: who may not use the block
    changes nothing of it, and makes none, for a block that is deleted could be made anew.

    Raises:
        Forbidden: something else than sealed secrets changes.
    """
    if _is_as_before(current, schema, data):
        return
    name = current.reference if current is not None else "This block"
    why = f"{name} has secrets that you may not use, and what is beside them says where they go: "
    what = "give all of them again, or ask for BLOCKS_USE of it."
    if is_external:
        why, what = f"{name} names a secret in another store: ", "for this you need BLOCKS_USE."
    raise Forbidden(why + what, missing_scopes=[Scope.BLOCKS_USE.value])


async def _find_referred(
    work: UnitOfWork, references: Mapping[Parts, str], *, may_use: MayUse
) -> dict[Parts, UUID]:
    prefix = f"{ids.Kind.BLOCK_DOCUMENT.value}_"
    by_id = {text for text in references.values() if text.startswith(prefix)}
    given = {text: ids.parse(text, kind=ids.Kind.BLOCK_DOCUMENT) for text in by_id}
    names = {text: split_reference(text) for text in references.values() if text not in by_id}
    known = await documents.get_many(work, given.values()) if given else {}
    named = await documents.get_many_named(work, names.values()) if names else {}
    found: dict[Parts, UUID] = {}
    for parts, text in references.items():
        document = known.get(given[text]) if text in given else named.get(text)
        if document is None:
            raise NotFound(f"No such block to refer to: {text[:200]}.", path=["data", *parts])
        if not may_use(document.id):
            raise Forbidden(
                f"To refer to {document.reference} you need BLOCKS_USE of it.",
                missing_scopes=[Scope.BLOCKS_USE.value],
            )
        found[parts] = document.id
    return found


async def _check_acyclic(
    work: UnitOfWork, current: BlockDocument | None, referred: frozenset[UUID]
) -> None:
    if current is None or not referred:
        return
    await documents.lock_references(work)
    if current.id in referred or current.id in await documents.list_reached(work, referred):
        raise InvalidInput(
            "A block does not refer to itself, nor to one that refers to it.", path=["data"]
        )


async def _make(work: UnitOfWork, plan: _Plan, *, name: str, sealer: Sealer) -> BlockDocument:
    id_ = ids.new_id()
    sealed = await sealer.seal_all(work, plan.filled.secrets, document_id=id_, current={})
    is_made = await documents.insert_document(
        work,
        id_=id_,
        block_type_id=plan.schema.block_type_id,
        block_schema_id=plan.schema.id,
        name=name,
        data=plan.filled.data,
    )
    if not is_made:
        raise Unavailable("Another caller has just made this block; send it again.")
    await object_counts.claim(work, QuotaKind.BLOCK_DOCUMENTS)
    await secrets.upsert_secrets(work, sealed)
    await documents.replace_references(work, block_document_id=id_, referred=plan.referred)
    made = (await documents.get_many(work, [id_]))[id_]
    await _record(work, made, None, after=_said(made, plan.filled.secrets))
    return made


async def _change(
    work: UnitOfWork, current: BlockDocument, plan: _Plan, *, sealer: Sealer
) -> BlockDocument:
    sealed = await sealer.seal_all(
        work, plan.filled.secrets, document_id=current.id, current=plan.existing
    )
    changes = [
        name
        for name, is_changed in (
            ("data", not is_same(current.data, plan.filled.data)),
            ("schema", current.block_schema_id != plan.schema.id),
            ("secrets", bool(sealed or plan.gone)),
        )
        if is_changed
    ]
    if not changes:
        return current
    await secrets.upsert_secrets(work, sealed)
    await secrets.delete_secrets(work, document_id=current.id, paths=plan.gone)
    await documents.replace_references(work, block_document_id=current.id, referred=plan.referred)
    changed = await documents.update_document(
        work, id_=current.id, block_schema_id=plan.schema.id, data=plan.filled.data
    )
    staying = (plan.existing.keys() - plan.gone) | plan.filled.secrets.keys()
    after = {**_said(changed, staying), "secrets_set": sorted(one.path for one in sealed)}
    before = _said(current, plan.existing)
    await _record(work, changed, changes, before=before, after=after)
    return changed


def _said(document: BlockDocument, secret_paths: Sequence[str] | Any) -> dict[str, Any]:
    """Return what the audit log says of a block: of its data the keys, of its secrets the paths."""
    return {
        "data": document.data,
        "schema": ids.show(ids.Kind.BLOCK_SCHEMA, document.block_schema_id),
        "secrets": sorted(secret_paths),
    }


async def _record(
    work: UnitOfWork,
    document: BlockDocument,
    changes: list[str] | None,
    *,
    verb: str | None = None,
    before: object = None,
    after: object = None,
) -> None:
    await record_change(
        work,
        kind=ids.Kind.BLOCK_DOCUMENT,
        id_=document.id,
        name=document.reference,
        version=document.version,
        changed=changes,
        verb=verb,
        before=before,
        after=after,
    )
