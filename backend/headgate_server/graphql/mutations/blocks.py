"""Mutations on blocks, and the two ways in which secrets are read."""

from datetime import timedelta
from functools import partial
from typing import Annotated
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.errors import Forbidden, NotFound
from headgate_server.domain.permissions import Scope
from headgate_server.domain.tenancy import ActorKind
from headgate_server.graphql.context import OperationContext, needing
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, given, mutation, payload_field
from headgate_server.graphql.mutations.flow_runs.inputs import workspace_id_of
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.scalars import JSON, Key
from headgate_server.graphql.shapes.json_values import an_object
from headgate_server.graphql.shapes.payloads import IdInput
from headgate_server.graphql.shapes.plain_inputs import plain
from headgate_server.graphql.shapes.single_objects import existing
from headgate_server.graphql.types.blocks import (
    BlockDocument,
    BlockSchema,
    BlockType,
    show_document,
    show_schema,
    show_type,
)
from headgate_server.graphql.types.leases import LeaseInput
from headgate_server.services import login_sessions
from headgate_server.services.blocks import documents, opening, read, types
from headgate_server.services.blocks.documents import Filling
from headgate_server.services.blocks.sealing import open_sealer
from headgate_server.services.blocks.types import BlockTypeChanges, NewSchema
from headgate_server.services.idempotency_keys import made_once

PROVEN_WITHIN = timedelta(minutes=5)
"""How long ago a person may have signed in who reveals a secret."""
_KEPT = "kept if not said"


@strawberry.input(description="A block type, by its slug.")
class BlockTypeUpsertInput:
    workspace_id: strawberry.ID = strawberry.field(description="Where.")
    slug: str = strawberry.field(description="1 to 100 lower-case letters, digits and hyphens.")
    name: str | None = strawberry.field(
        default=None, description=f"1 to 200 characters; {_KEPT}, the slug in a new one."
    )
    logo_url: str | None = strawberry.field(
        default=strawberry.UNSET, description=f"An address on the web; {_KEPT}."
    )
    documentation_url: str | None = strawberry.field(
        default=strawberry.UNSET, description=f"An address on the web; {_KEPT}."
    )
    description: str | None = strawberry.field(
        default=strawberry.UNSET, description=f"Markdown; at most 10,000 characters; {_KEPT}."
    )
    code_example: str | None = strawberry.field(
        default=strawberry.UNSET, description=f"Markdown; at most 10,000 characters; {_KEPT}."
    )
    expected_version: int | None = strawberry.field(
        default=None,
        description="Refuse if the type has another version by now; 0: if there is one.",
    )

    def to_changes(self) -> BlockTypeChanges:
        """Return what was said."""
        return BlockTypeChanges(
            name=given(self.name),
            logo_url=given(self.logo_url, is_nullable=True),
            documentation_url=given(self.documentation_url, is_nullable=True),
            description=given(self.description, is_nullable=True),
            code_example=given(self.code_example, is_nullable=True),
        )


@strawberry.input(description="What blocks of a type consist of from now on.")
class BlockSchemaRegisterInput:
    block_type_id: strawberry.ID = strawberry.field(description="Of which type.")
    fields: JSON = strawberry.field(
        description="A JSON Schema of an object, at most 256 KiB. Fields with writeOnly or the "
        "format password are secret."
    )
    capabilities: list[str] | None = strawberry.field(
        default=None, description="What its blocks can do, such as read-path; at most 50."
    )
    secret_paths: list[str] | None = strawberry.field(
        default=None,
        description="Further secret fields, such as auth.password, or headers.* for all of them.",
    )
    version_label: str | None = strawberry.field(
        default=None, description="What its author calls this version; at most 100 characters."
    )


@plain
@strawberry.input(description="A secret to set, or to take away.")
class SecretInput:
    path: str = strawberry.field(
        description="Where it is in the data: keys joined by dots; a backslash before a dot in one."
    )
    value: str | None = strawberry.field(
        default=None, description="At most 64 KiB; null takes it away."
    )


@strawberry.input(description="What a block is filled in with.")
class BlockDocumentUpsertInput:
    workspace_id: strawberry.ID = strawberry.field(description="Where.")
    type_slug: str = strawberry.field(description="The slug of its type.")
    name: Key = strawberry.field(description="Names it among the blocks of its type.")
    data: JSON = strawberry.field(
        description="An object with all fields, at most 256 KiB. What stands at a secret path is "
        'kept as a secret. {"$ref": "type-slug/name"} stands for another block, which needs '
        'BLOCKS_USE of it; {"$secret": {…}} at a secret path names a secret in another store.'
    )
    secrets: list[SecretInput] | None = strawberry.field(
        default=None, description="Single secrets; those that are not named stay."
    )
    replace_secrets: bool = strawberry.field(
        default=False, description="Whether secrets that are not sent go."
    )
    schema_checksum: str | None = strawberry.field(
        default=None, description="Which of the type's schemas; the newest if not said."
    )
    expected_version: int | None = strawberry.field(
        default=None,
        description="Refuse if the block has another version by now; 0: if there is one.",
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="Sent again with the same key within 24 hours it is answered as before, also "
        "where there is one by then; 1 to 255 characters.",
    )

    def to_filling(self) -> Filling:
        """Return what is filled in.

        Raises:
            InvalidInput: data that is no object.
        """
        return Filling(
            data=an_object(self.data, "data") or {},
            secrets=[(secret.path, secret.value) for secret in self.secrets or ()],
            is_whole=self.replace_secrets,
            checksum=self.schema_checksum,
        )

    def to_asked(self) -> dict[str, object]:
        """Return what tells this request from another with its key.

        A field that says nothing is none of it: it may be one that another release does not know.
        """
        said = strawberry.asdict(self)
        del said["idempotency_key"]
        return {
            name: value for name, value in said.items() if value is not None and value is not False
        }


@strawberry.input(description="Blocks that a run reads.")
class BlockResolveInput:
    lease: LeaseInput = strawberry.field(description="The live lease of the run.")
    references: list[str] = strawberry.field(description="1 to 50 of type-slug/name.")


@strawberry.type(description="A block type that was made or changed.")
class BlockTypePayload:
    block_type: BlockType | None = payload_field("The type.")
    created: bool | None = payload_field("Whether it was made now.")
    errors: list[MutationError] = errors_field()


@strawberry.type(description="A schema that was registered.")
class BlockSchemaPayload:
    block_schema: BlockSchema | None = payload_field("The schema.")
    created: bool | None = payload_field("Whether it was made now.")
    errors: list[MutationError] = errors_field()


@strawberry.type(description="A block that was made or changed.")
class BlockDocumentPayload:
    block_document: BlockDocument | None = payload_field("The block.")
    created: bool | None = payload_field("Whether it was made now.")
    errors: list[MutationError] = errors_field()


@strawberry.type(description="Blocks with their secrets, for the run that may use them.")
class BlockResolvePayload:
    blocks: JSON | None = payload_field(
        "By type-slug/name: id, typeSlug, name, version, data with secrets and with the blocks "
        "that it refers to, secretPaths, which says where secrets are, externalPaths, where one in "
        "another store is only named, and references, which blocks those inside are: id and name."
    )
    errors: list[MutationError] = errors_field()


@strawberry.type(description="A block with its secrets, for the person who asked.")
class BlockRevealPayload:
    data: JSON | None = payload_field("Its data with its secrets; others stay references.")
    errors: list[MutationError] = errors_field()


@strawberry.type
class BlockMutations:
    @mutation(
        requires=[Scope.BLOCKS_WRITE],
        description="Make or change the type of a slug.",
        is_storing=True,
    )
    async def block_type_upsert(
        self,
        info: Info,
        input: Annotated[BlockTypeUpsertInput, strawberry.argument(description="The type.")],
    ) -> BlockTypePayload:
        async with info.context.work(workspace_id_of(input.workspace_id)) as work:
            row, is_new = await types.upsert_type(
                work,
                slug=input.slug,
                changes=input.to_changes(),
                expected_version=input.expected_version,
            )
        return BlockTypePayload(block_type=show_type(row), created=is_new)

    @mutation(
        requires=[Scope.BLOCKS_WRITE],
        description="Register what blocks of a type consist of. Blocks that exist stay readable; "
        "missing tells what they lack.",
        is_storing=True,
    )
    async def block_schema_register(
        self,
        info: Info,
        input: Annotated[BlockSchemaRegisterInput, strawberry.argument(description="The schema.")],
    ) -> BlockSchemaPayload:
        id_ = ids.parse(input.block_type_id, kind=ids.Kind.BLOCK_TYPE)
        new = NewSchema(
            fields=an_object(input.fields, "fields") or {},
            capabilities=input.capabilities or (),
            secret_paths=input.secret_paths or (),
            version_label=input.version_label,
        )
        workspace_id = await info.context.workspace_of(types.get_many_types, id_)
        async with info.context.work(workspace_id) as work:
            row, is_new = await types.register_schema(work, block_type_id=id_, new=new)
        return BlockSchemaPayload(block_schema=show_schema(row), created=is_new)

    @mutation(
        requires=[Scope.BLOCKS_WRITE],
        description="Fill in the block of a type and name. Sent again as it is, it changes "
        "nothing.",
        is_storing=True,
    )
    async def block_document_upsert(
        self,
        info: Info,
        input: Annotated[BlockDocumentUpsertInput, strawberry.argument(description="The block.")],
    ) -> BlockDocumentPayload:
        context, filling = info.context, input.to_filling()
        workspace_id = workspace_id_of(input.workspace_id)
        reference = f"{input.type_slug}/{input.name}"
        on = await existing(
            context, workspace_id, partial(read.find_by_reference, reference=reference)
        )
        sealer = await open_sealer(
            lambda: context.work(workspace_id, on=on),
            context.backend.keyring,
            pepper=context.backend.pepper,
        )
        key = input.idempotency_key
        async with context.work(workspace_id, on=on) as work:
            row, is_new = await made_once(
                work,
                operation="blockDocumentUpsert",
                key=key,
                body=sealer.imprint(input.to_asked()) if key is not None else None,
                make=lambda: documents.upsert_document(
                    work,
                    type_slug=input.type_slug,
                    name=input.name,
                    filling=filling,
                    sealer=sealer,
                    may_use=lambda id_: _may_use(context, workspace_id, id_),
                    expected_version=input.expected_version,
                ),
                find=partial(read.get_many_documents, work),
            )
            # The name may be another block's by now.
            context.demand(workspace_id, on=row.id)
        return BlockDocumentPayload(block_document=show_document(row), created=is_new)

    @mutation(
        requires=[Scope.BLOCKS_USE],
        description="Read blocks with their secrets, as the run that holds a live lease. Only a "
        "run's own token may, and only what its deployment names or, without one, what who began "
        "it may use. Audited.",
    )
    async def block_resolve(
        self,
        info: Info,
        input: Annotated[BlockResolveInput, strawberry.argument(description="Which blocks.")],
    ) -> BlockResolvePayload:
        context = info.context
        if context.principal.run is None:
            raise Forbidden("Only a run reads secrets, with its own token; load blocks in a flow.")
        lease = input.lease.to_own_ref(context.principal)
        workspace_id = context.own_workspace_id
        blocks = await opening.resolve(
            lambda: context.work(workspace_id),
            context.backend.keyring,
            lease=lease,
            references=input.references,
        )
        return BlockResolvePayload(blocks=JSON(blocks))

    @mutation(
        requires=[Scope.BLOCKS_REVEAL],
        description="Read one block with its secrets, as a person who has signed in within the "
        "last 5 minutes. Off unless the installation allows it. Audited.",
    )
    async def block_document_reveal(
        self,
        info: Info,
        input: Annotated[IdInput, strawberry.argument(description="Which block.")],
    ) -> BlockRevealPayload:
        context = info.context
        id_ = ids.parse(input.id, kind=ids.Kind.BLOCK_DOCUMENT)
        workspace_id = await context.workspace_of(read.get_many_documents, id_)
        if not await context.may_enter(workspace_id):
            raise NotFound
        context.demand(workspace_id, on=id_)
        await _check_person(context)
        data = await opening.reveal(
            lambda: context.work(workspace_id, on=id_), context.backend.keyring, id_=id_
        )
        return BlockRevealPayload(data=JSON(data))


def _may_use(context: OperationContext, workspace_id: UUID, id_: UUID | None) -> bool:
    with needing(frozenset({Scope.BLOCKS_USE})):
        return context.may(workspace_id, on=id_)


async def _check_person(context: OperationContext) -> None:
    """Go on only if secrets may be shown here, to a person who has just proven who they are.

    Raises:
        Forbidden: anything else; the message says what to do.
    """
    principal, session_id = context.principal, context.principal.login_session_id
    if not context.backend.may_reveal:
        raise Forbidden(
            "This installation shows secrets to nobody; its operator may allow it with "
            "HEADGATE_BLOCK_REVEAL=true."
        )
    if principal.actor.kind is not ActorKind.USER or session_id is None:
        raise Forbidden("Secrets are shown to people who have signed in, and not to keys.")
    if not await login_sessions.is_proven(
        context.backend.database, session_id=session_id, within=PROVEN_WITHIN
    ):
        raise Forbidden("Sign in again, and ask within 5 minutes.")
