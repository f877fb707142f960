"""Blocks with their secrets: for a run under its live lease, and for a person who reveals one.

What is read is written to the audit log first, in the transaction that reads it; secrets are opened
after that, for no provider of keys is asked inside a transaction.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.blocks import access, paths
from headgate_server.domain.blocks import documents as rules
from headgate_server.domain.blocks.access import Allowance, split_reference
from headgate_server.domain.blocks.blocks import BlockDocument, BlockSchema, SealedSecret
from headgate_server.domain.blocks.marks import find_places
from headgate_server.domain.blocks.paths import Parts
from headgate_server.domain.errors import Conflict, InvalidInput, LimitExceeded, NotFound
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.permissions import Scope, gather
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.repositories.blocks import access as origins
from headgate_server.repositories.blocks import documents, secrets, types
from headgate_server.repositories.leases.guard import guard_lease
from headgate_server.services.audit_entries.record import Record, record_entries
from headgate_server.services.blocks.bare import find_bare
from headgate_server.services.blocks.sealing import open_secrets
from headgate_server.services.workspace_keys import KeyDestroyed, Keyring, OpenWork

MAX_RESOLVED = 50
MAX_TOGETHER = 200
"""How many blocks may be in an answer, each as often as it is in it."""
_CALLERS = frozenset({ActorKind.USER, ActorKind.SERVICE_ACCOUNT})
TYPE_KEY = "block_type_slug"
"""Where a block inside of another says of which type it is."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What a transaction read: the blocks that are wanted, and all that they refer to.

    ``schemas`` are those of the blocks that name secrets in other stores; ``bare`` is where secrets
    of blocks are not sealed.
    """

    workspace_id: UUID
    wanted: tuple[BlockDocument, ...]
    known: Mapping[UUID, BlockDocument]
    sealed: tuple[SealedSecret, ...]
    schemas: Mapping[UUID, BlockSchema]
    bare: Mapping[UUID, Sequence[Parts]]


Reader = Callable[[UnitOfWork], Awaitable[_Read]]


async def resolve(
    open_work: OpenWork, keyring: Keyring | None, *, lease: LeaseRef, references: Sequence[str]
) -> dict[str, Any]:
    """Return blocks with their secrets to the run that holds a lease, by ``type-slug/name``.

    Each block that is read, those that others refer to among them, leaves an audit entry.

    Raises:
        LeaseLost: the lease is not the live one.
        NotFound: no such block, or the run may not use it: it is not told which.
        InvalidInput: no block, more than 50, or what is no ``type-slug/name``.
        Unavailable: the provider of the workspace's key is away.
    """
    if not 1 <= len(references) <= MAX_RESOLVED:
        raise InvalidInput(f"A run reads 1 to {MAX_RESOLVED} blocks at once.", path=["references"])
    names = {reference: split_reference(reference) for reference in references}

    async def read(work: UnitOfWork) -> _Read:
        await guard_lease(work, lease=lease, flow_run_id=lease.run_id)
        allowed = await find_allowance(work, run_id=lease.run_id)
        found = await documents.get_many_named(work, set(names.values()))
        for reference, (slug, name) in names.items():
            document = found.get(reference)
            if document is None or not allowed.covers(document.id, type_slug=slug, name=name):
                raise NotFound(
                    f"No such block, or this run may not use it: {reference}. The deployment "
                    "names the blocks that its runs may use.",
                    path=["references", reference],
                )
        said = {"run": ids.show(ids.Kind.FLOW_RUN, lease.run_id)}
        return await _read(work, tuple(found.values()), verb="resolved", said=said)

    return await _opened(open_work, keyring, read)


async def reveal(open_work: OpenWork, keyring: Keyring | None, *, id_: UUID) -> dict[str, Any]:
    """Return the data of one block with its secrets; the blocks that it refers to stay shut.

    Whoever calls this has found out that it is a person, who may, and has just proven to be that.

    Raises:
        NotFound: it is in another workspace, or does not exist.
        Unavailable: the provider of the workspace's key is away.
    """

    async def read(work: UnitOfWork) -> _Read:
        found = (await documents.get_many(work, [id_])).get(id_)
        if found is None:
            raise NotFound
        return await _read(work, (found,), verb="revealed", said=None, is_nested=False)

    ((_, shown),) = (await _opened(open_work, keyring, read)).items()
    return dict(shown["data"])


async def find_allowance(work: UnitOfWork, *, run_id: UUID) -> Allowance:
    """Return which blocks a run may use.

    The run of a deployment: those that the deployment names now, and named for the version that the
    run is of. Of these what its maker may use now, where they chose its job variables. A run in its
    caller's own process: those that its caller may use now. A run below another in the same
    process: as the other.
    """
    origin = await origins.find_origin(work, run_id=run_id)
    if origin is None:
        return access.NOTHING
    if not origin.is_deployed:
        return await _of_caller(work, origin.created_by)
    named = access.of_deployment(origin.references)
    if not (origin.is_changed and origin.created_by.kind in _CALLERS):
        return named
    held = await _of_caller(work, origin.created_by)
    if held.is_all:
        return named
    found = (await documents.get_many(work, list(held.ids))).values()
    names = {one.id: split_reference(one.reference) for one in found}
    return Allowance(
        ids=frozenset(
            id_
            for id_, (slug, name) in names.items()
            if named.covers(id_, type_slug=slug, name=name)
        )
    )


async def _of_caller(work: UnitOfWork, caller: Actor) -> Allowance:
    """Return which blocks somebody may use now."""
    if caller.id is None:
        return access.NOTHING
    grants = await origins.list_grants(work, holder_id=caller.id)
    rights = gather(grants, is_member=False)
    if Scope.BLOCKS_USE in rights.within(work.workspace_id):
        return access.EVERYTHING
    return Allowance(
        ids=frozenset(id_ for id_, held in rights.objects.items() if Scope.BLOCKS_USE in held)
    )


async def _read(
    work: UnitOfWork,
    wanted: tuple[BlockDocument, ...],
    *,
    verb: str,
    said: Mapping[str, Any] | None,
    is_nested: bool = True,
) -> _Read:
    known = {document.id: document for document in wanted}
    if is_nested:
        reached = await documents.list_reached(work, list(known)) - known.keys()
        known |= await documents.get_many(work, reached) if reached else {}
    sealed = await secrets.list_sealed(work, list(known))
    kind = ids.Kind.BLOCK_DOCUMENT
    records = [
        Record(verb, kind, document.id, document.reference, after=said)
        for document in known.values()
    ]
    await record_entries(work, records)
    naming = {one.block_schema_id for one in known.values() if rules.names_external(one.data)}
    schemas = await types.get_many_schemas(work, list(naming)) if naming else {}
    bare = await find_bare(work, known.values())
    return _Read(work.workspace_id, wanted, known, tuple(sealed), schemas, bare)


async def _opened(open_work: OpenWork, keyring: Keyring | None, read: Reader) -> dict[str, Any]:
    """Read blocks, and open them; once more where a rotation has just taken a key away."""
    try:
        return await _open_once(open_work, keyring, read)
    except KeyDestroyed:
        return await _open_once(open_work, keyring, read)


async def _open_once(open_work: OpenWork, keyring: Keyring | None, read: Reader) -> dict[str, Any]:
    async with open_work() as work:
        found = await read(work)
    values = await open_secrets(open_work, keyring, found.sealed, workspace_id=found.workspace_id)
    putting = _Together(found.known, values, found.schemas, found.bare)

    def show() -> dict[str, Any]:
        return {document.reference: putting.show(document) for document in found.wanted}

    # Large blocks take a while to put together: others go on meanwhile.
    return await asyncio.to_thread(show)


@dataclass(slots=True)
class _Whole:
    """A block's data with all that belongs in it, and where secrets are, and are only named.

    ``referred`` is which blocks those inside are.
    """

    data: Any
    secret: set[Parts]
    external: set[Parts]
    referred: dict[Parts, BlockDocument] = field(default_factory=dict[Parts, BlockDocument])

    def take_in(self, inner: "_Whole", *, parts: Parts, other: BlockDocument) -> None:
        """Put a block that is referred to in its place."""
        named = {**inner.data, TYPE_KEY: other.type_slug}
        self.referred[parts] = other
        self.referred |= {(*parts, *rest): one for rest, one in inner.referred.items()}
        self.data = paths.replaced(self.data, parts, lambda _: named)
        self.secret |= {(*parts, *rest) for rest in inner.secret}
        self.external |= {(*parts, *rest) for rest in inner.external}


def _shown(document: BlockDocument) -> str:
    return ids.show(ids.Kind.BLOCK_DOCUMENT, document.id)


@dataclass(slots=True)
class _Together:
    """Puts blocks together: their data, their secrets, and the blocks that they refer to."""

    known: Mapping[UUID, BlockDocument]
    values: Mapping[UUID, Mapping[str, bytes]]
    schemas: Mapping[UUID, BlockSchema]
    bare: Mapping[UUID, Sequence[Parts]]
    count: int = 0

    def show(self, document: BlockDocument) -> dict[str, Any]:
        """Return a block as a run reads it."""
        whole = self._whole(document, above=frozenset())
        return {
            "id": _shown(document),
            "typeSlug": document.type_slug,
            "name": document.name,
            "version": document.version,
            "data": whole.data,
            "secretPaths": sorted(map(paths.join, whole.secret)),
            "externalPaths": sorted(map(paths.join, whole.external)),
            "references": {
                paths.join(parts): {"id": _shown(other), "name": other.name}
                for parts, other in whole.referred.items()
            },
        }

    def _whole(self, document: BlockDocument, *, above: frozenset[UUID]) -> _Whole:
        """Return a block's data with all that belongs in it, and where secrets are in it."""
        self.count += 1
        if self.count > MAX_TOGETHER:
            raise LimitExceeded(
                f"Together these blocks refer to more than {MAX_TOGETHER} others; read fewer.",
                limit=MAX_TOGETHER,
                current=self.count,
            )
        own = self.values.get(document.id, {})
        whole = _Whole(
            data=rules.opened(document.data, own),
            secret={*map(paths.split, own), *self.bare.get(document.id, ())},
            external=self._external(document),
        )
        for parts, other in self._referred(document):
            if other.id in above | {document.id}:
                raise Conflict(f"{other.reference} refers to itself; change one of the blocks.")
            inner = self._whole(other, above=above | {document.id})
            whole.take_in(inner, parts=parts, other=other)
        return whole

    def _external(self, document: BlockDocument) -> set[Parts]:
        schema = self.schemas.get(document.block_schema_id)
        if schema is None:
            return set()
        marked = map(paths.join, find_places(document.data, fields=schema.fields, named=()))
        return rules.list_external(document.data, secret_paths=[*schema.secret_paths, *marked])

    def _referred(self, document: BlockDocument) -> Iterator[tuple[Parts, BlockDocument]]:
        for parts, text in rules.list_references(document.data).items():
            other = self.known.get(ids.parse(text, kind=ids.Kind.BLOCK_DOCUMENT))
            if other is not None:
                yield parts, other
