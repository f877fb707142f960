"""Blocks: configuration that runs read by name, whose secrets are written and never read."""

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.blocks import documents, paths
from headgate_server.domain.blocks.blocks import BlockDocument as DocumentRow
from headgate_server.domain.blocks.blocks import BlockSchema as SchemaRow
from headgate_server.domain.blocks.blocks import BlockType as TypeRow
from headgate_server.domain.blocks.blocks import SecretField as SecretRow
from headgate_server.domain.documents import is_storable
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.pagination import Beginning, fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.connections import After, Connection, First, Listing, connect
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.scalars import JSON, Cursor, Key
from headgate_server.graphql.shapes.beginnings import AT_MOST, show_listed
from headgate_server.graphql.shapes.filters import NameFilter
from headgate_server.graphql.shapes.nodes import (
    Node,
    NodeKind,
    Versioned,
    load_part,
    reads,
    show_id,
    shows,
)
from headgate_server.graphql.shapes.single_objects import read_existing
from headgate_server.services import deployments
from headgate_server.services.blocks import read, types
from headgate_server.services.blocks.read import BlockFilter

if TYPE_CHECKING:
    from headgate_server.graphql.types.deployments import Deployment

TYPES = "headgate_server.graphql.types"
Reference = Annotated[
    str, strawberry.argument(description="type-slug/name, as deployments and templates name it.")
]
Named = Annotated[NameFilter | None, strawberry.argument(description="Only those of such a name.")]
OfType = Annotated[
    str | None, strawberry.argument(description="Only those of the type of this slug.")
]
Capable = Annotated[
    str | None,
    strawberry.argument(description="Only those that can do this, such as read-path."),
]


@strawberry.type(description="A secret of a block: everything that may be known of it.")
class SecretField:
    path: str = strawberry.field(description="Where it is in the data, such as auth.password.")
    is_set: bool = strawberry.field(
        description="Whether it has a value; no longer where the key of the value was destroyed."
    )
    external: bool = strawberry.field(
        description="Whether its value lies in a store of the customer's own, and only its place "
        "there is known here."
    )
    fingerprint: str | None = strawberry.field(
        description="Changes whenever the value does, and tells nothing else of it."
    )
    updated_at: datetime | None = strawberry.field(description="When it was last set.")


@strawberry.type(description="One version of what blocks of a type consist of.")
class BlockSchema(Node):
    number: int = strawberry.field(description="1 for the type's first; the highest is newest.")
    checksum: str = strawberry.field(
        description="Of the fields, secret paths and capabilities: the same are registered once."
    )
    version_label: str | None = strawberry.field(description="What its author calls it.")
    capabilities: list[str] = strawberry.field(
        description="What blocks of it can do, such as read-path; sorted."
    )
    fields: JSON = strawberry.field(description="A JSON Schema of the data.")
    secret_paths: list[str] = strawberry.field(
        description="Which fields are secret, sorted; * stands for any key or place of a list."
    )
    created_at: datetime = strawberry.field(description="When it was registered.")


@strawberry.type(description="A kind of blocks.")
class BlockType(Node, Versioned):
    slug: str = strawberry.field(description="Unique in its workspace; never changes.")
    name: str = strawberry.field(description="For people; 1 to 200 characters.")
    logo_url: str | None = strawberry.field(description="An image.")
    documentation_url: str | None = strawberry.field(description="A page about it.")
    description: str | None = strawberry.field(description="Markdown.")
    code_example: str | None = strawberry.field(description="Markdown: how code loads one.")
    row: strawberry.Private[TypeRow]

    @scoped_field(requires=[Scope.BLOCKS_READ], description="Its schemas, the newest first.")
    async def schemas(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[BlockSchema]:
        type_id, workspace_id = self.row.id, self.row.workspace_id
        listing: Listing[SchemaRow] = Listing(
            of=fingerprint("block_schemas", type_id),
            key=lambda row: (row.number,),
            key_types=tuple[int],
        )
        page = listing.request(first=first, after=after)
        async with info.context.work(workspace_id) as work:
            rows = await types.list_schemas(work, block_type_id=type_id, page=page)

        async def count(cap: int) -> int:
            async with info.context.work(workspace_id) as work:
                return await types.count_schemas(work, block_type_id=type_id, cap=cap)

        return connect(rows, listing=listing, show=show_schema, count=count)


@strawberry.type(description="A block that somebody filled in, by its type and name.")
class BlockDocument(Node, Versioned):
    name: Key = strawberry.field(description="Unique among the blocks of its type.")
    row: strawberry.Private[DocumentRow]

    @strawberry.field(description="type-slug/name, as deployments and templates name it.")
    def reference(self) -> str:
        return self.row.reference

    @scoped_field(requires=ANY_CREDENTIAL, description="Its type.")
    async def type(self, info: Info) -> BlockType:
        row, fetch = self.row, types.get_many_types
        shown: Any = await load_part(
            info.context, fetch, row.block_type_id, workspace_id=row.workspace_id
        )
        return shown

    @scoped_field(requires=ANY_CREDENTIAL, description="The schema that it was filled in for.")
    async def schema(self, info: Info) -> BlockSchema:
        row, fetch = self.row, types.get_many_schemas
        shown: Any = await load_part(
            info.context, fetch, row.block_schema_id, workspace_id=row.workspace_id
        )
        return shown

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="What it is filled in with. In the place of each secret is a mask, for "
        "everybody; sent back, the mask leaves the secret alone.",
    )
    async def data(self, info: Info) -> JSON:
        found = [field.path for field in await self.read_secrets(info) if not field.is_lost]
        return JSON(documents.masked(self.row.data, [*found, *await self.read_bare(info)]))

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="Its secrets: those that are set, and those that its schema names, by path.",
    )
    async def secrets(self, info: Info) -> list[SecretField]:
        row, fetch = self.row, types.get_many_schemas
        schema = await info.context.load(fetch, row.block_schema_id, workspace_id=row.workspace_id)
        found = [_show_secret(field, row.data) for field in await self.read_secrets(info)]
        found += map(_show_bare, await self.read_bare(info))
        known = {field.path for field in found}
        found += [
            _show_unset(path, row.data)
            for path in (schema.secret_paths if schema else ())
            if paths.ANY not in paths.split(path) and path not in known
        ]
        return sorted(found, key=lambda field: field.path)

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="The paths of what the newest schema of its type requires and it does not "
        "have, of what it has, but not sealed as the secret that it is now, and of secrets whose "
        "key was destroyed: fill them in. Until then runs read it as it is; where a secret is "
        "lost, they are told so.",
    )
    async def missing(self, info: Info) -> list[str]:
        row, fetch = self.row, read.get_many_missing
        return list(await info.context.load(fetch, row.id, workspace_id=row.workspace_id) or ())

    @scoped_field(
        requires=[Scope.BLOCKS_READ],
        description=f"The blocks that refer to it, by name, {AT_MOST}; those of them that the "
        "caller may read.",
    )
    async def referred_by(self, info: Info) -> "list[BlockDocument]":
        found, fetch = await self.read_referring(info), read.get_many_documents
        return await show_listed(info.context, fetch, found, workspace_id=self.row.workspace_id)

    @scoped_field(
        requires=[Scope.BLOCKS_READ],
        description="How many more refer to it, behind those that referredBy is of.",
    )
    async def referred_by_more(self, info: Info) -> int:
        return (await self.read_referring(info)).more

    @scoped_field(
        requires=[Scope.FLOWS_READ],
        description="The deployments that name it among what their runs may read, by name, "
        f"{AT_MOST}; those of them that the caller may read.",
    )
    async def deployments(
        self, info: Info
    ) -> list[Annotated["Deployment", strawberry.lazy(f"{TYPES}.deployments")]]:
        found, fetch = await self.read_naming(info), deployments.get_many_deployments
        return await show_listed(info.context, fetch, found, workspace_id=self.row.workspace_id)

    @scoped_field(
        requires=[Scope.FLOWS_READ],
        description="How many more name it, behind those that deployments is of.",
    )
    async def deployments_more(self, info: Info) -> int:
        return (await self.read_naming(info)).more

    async def read_referring(self, info: Info) -> Beginning[UUID]:
        """Return the blocks that refer to it, as their ids."""
        row, fetch = self.row, read.get_many_referring
        found = await info.context.loaders.load(fetch, row.id, workspace_id=row.workspace_id)
        return found or Beginning()

    async def read_naming(self, info: Info) -> Beginning[UUID]:
        """Return the deployments that name it, as their ids."""
        row, fetch = self.row, deployments.get_many_naming
        found = await info.context.loaders.load(fetch, row.reference, workspace_id=row.workspace_id)
        return found or Beginning()

    async def read_secrets(self, info: Info) -> list[SecretRow]:
        """Return what may be known of the secrets that are set."""
        row, fetch = self.row, read.get_many_secret_fields
        return await info.context.load(fetch, row.id, workspace_id=row.workspace_id) or []

    async def read_bare(self, info: Info) -> list[str]:
        """Return the paths of what is secret and not sealed."""
        row, fetch = self.row, read.get_many_bare
        return await info.context.load(fetch, row.id, workspace_id=row.workspace_id) or []


def show_type(row: TypeRow) -> BlockType:
    """Return a type."""
    return BlockType(
        id=show_id(ids.Kind.BLOCK_TYPE, row.id),
        slug=row.slug,
        name=row.name,
        logo_url=row.logo_url,
        documentation_url=row.documentation_url,
        description=row.description,
        code_example=row.code_example,
        version=row.version,
        updated_at=row.updated_at,
        row=row,
    )


def show_schema(row: SchemaRow) -> BlockSchema:
    """Return a schema."""
    return BlockSchema(
        id=show_id(ids.Kind.BLOCK_SCHEMA, row.id),
        number=row.number,
        checksum=row.checksum,
        version_label=row.version_label,
        capabilities=list(row.capabilities),
        fields=JSON(row.fields),
        secret_paths=list(row.secret_paths),
        created_at=row.created_at,
    )


def show_document(row: DocumentRow) -> BlockDocument:
    """Return a block, without its secrets."""
    return BlockDocument(
        id=show_id(ids.Kind.BLOCK_DOCUMENT, row.id),
        name=Key(row.name),
        version=row.version,
        updated_at=row.updated_at,
        row=row,
    )


def _show_secret(row: SecretRow, data: Any) -> SecretField:
    if row.is_lost:
        return _show_unset(row.path, data)
    return SecretField(
        path=row.path,
        is_set=True,
        external=False,
        fingerprint=row.fingerprint,
        updated_at=row.updated_at,
    )


def _show_bare(path: str) -> SecretField:
    return SecretField(path=path, is_set=True, external=False, fingerprint=None, updated_at=None)


def _show_unset(path: str, data: Any) -> SecretField:
    """Return a secret that is not here: it is not set, or it lies in another store."""
    found = [value for _, value in paths.walk(data, paths.split(path))]
    is_external = any(map(documents.is_external, found))
    return SecretField(
        path=path, is_set=is_external, external=is_external, fingerprint=None, updated_at=None
    )


shows(TypeRow, by=show_type)
shows(SchemaRow, by=show_schema)
shows(DocumentRow, by=show_document)
for _kind, _fetch in (
    (ids.Kind.BLOCK_TYPE, types.get_many_types),
    (ids.Kind.BLOCK_SCHEMA, types.get_many_schemas),
    (ids.Kind.BLOCK_DOCUMENT, read.get_many_documents),
):
    reads(_kind, by=NodeKind(fetch=_fetch, scope=Scope.BLOCKS_READ))


def filter_of(
    filter_: NameFilter | None, *, type_slug: str | None, capability: str | None
) -> BlockFilter:
    """Return what a list of blocks is narrowed by.

    Raises:
        InvalidInput: a text that cannot be stored.
    """
    for text in (type_slug, capability):
        if text is not None and not is_storable(text):
            raise InvalidInput("A text holds a NUL character, or half of a surrogate pair.")
    name = filter_.to_filter() if filter_ else None
    return BlockFilter(name=name, type_slug=type_slug, capability=capability)


async def find_type(info: Info, *, workspace_id: UUID, slug: str) -> BlockType | None:
    """Return the type of a slug."""
    async with info.context.work(workspace_id) as work:
        row = await types.find_type(work, slug=slug)
    return show_type(row) if row else None


async def find_document(info: Info, *, workspace_id: UUID, reference: str) -> BlockDocument | None:
    """Return the block of a type and name; to who holds rights on it alone, too."""
    find = partial(read.find_by_reference, reference=reference)
    row = await read_existing(info.context, workspace_id, find)
    return show_document(row) if row else None


async def list_types(
    info: Info, *, workspace_id: UUID, first: int | None, after: Cursor | None
) -> Connection[BlockType]:
    """Return a page of a workspace's block types by slug."""
    listing: Listing[TypeRow] = Listing(
        of=fingerprint("block_types", workspace_id),
        key=lambda row: (row.slug, row.id),
        key_types=tuple[str, UUID],
    )
    page = listing.request(first=first, after=after)
    async with info.context.work(workspace_id) as work:
        rows = await types.list_types(work, page=page)

    async def count(cap: int) -> int:
        async with info.context.work(workspace_id) as work:
            return await types.count_types(work, cap=cap)

    return connect(rows, listing=listing, show=show_type, count=count)


async def list_documents(
    info: Info,
    *,
    workspace_id: UUID,
    filter_: BlockFilter,
    first: int | None,
    after: Cursor | None,
) -> Connection[BlockDocument]:
    """Return a page of a workspace's blocks by name."""
    listing: Listing[DocumentRow] = Listing(
        of=fingerprint("block_documents", workspace_id, filter_),
        key=lambda row: (row.name, row.id),
        key_types=tuple[str, UUID],
    )
    page = listing.request(first=first, after=after)
    async with info.context.work(workspace_id) as work:
        rows = await read.list_documents(work, page=page, filter=filter_)

    async def count(cap: int) -> int:
        async with info.context.work(workspace_id) as work:
            return await read.count_documents(work, filter=filter_, cap=cap)

    return connect(rows, listing=listing, show=show_document, count=count)
