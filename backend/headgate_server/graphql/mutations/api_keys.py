"""Mutations on API keys."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.api_keys import NewApiKey
from headgate_server.domain.errors import InvalidId, NotFound
from headgate_server.domain.permissions import Scope
from headgate_server.domain.tenancy import ActorKind
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.mutations.flow_runs.inputs import workspace_id_of
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.shapes.payloads import DeletePayload, IdInput
from headgate_server.graphql.types.api_keys import ApiKey, show_api_key
from headgate_server.services import api_keys

_OWNERS = {ids.Kind.USER: ActorKind.USER, ids.Kind.SERVICE_ACCOUNT: ActorKind.SERVICE_ACCOUNT}


@strawberry.input(description="A key to be made.")
class ApiKeyCreateInput:
    owner_id: strawberry.ID = strawberry.field(description="The user or machine it speaks for.")
    name: str = strawberry.field(description="1 to 200 characters.")
    scopes: list[Scope] = strawberry.field(
        description="What it may do; nothing that the caller may not do."
    )
    workspace_id: strawberry.ID | None = strawberry.field(
        default=None, description="The only workspace it is good for; all if not said."
    )
    expires_at: datetime | None = strawberry.field(
        default=None, description="When it ends; never if not said."
    )


@strawberry.type(description="A key with its secret, which is shown this once.")
class ApiKeyCreatePayload:
    api_key: ApiKey | None = payload_field("The key.")
    secret: str | None = payload_field("The token to send; it cannot be read again.")
    errors: list[MutationError] = errors_field()


@strawberry.type
class ApiKeyMutations:
    @mutation(requires=[Scope.KEYS_WRITE], description="Make a key. Its token is shown once.")
    async def api_key_create(
        self,
        info: Info,
        input: Annotated[ApiKeyCreateInput, strawberry.argument(description="What to make.")],
    ) -> ApiKeyCreatePayload:
        context = info.context
        kind, owner_id = _owner(input.owner_id)
        workspace_id = workspace_id_of(input.workspace_id) if input.workspace_id else None
        if workspace_id is not None and not await context.may_enter(workspace_id):
            raise NotFound
        async with context.organization_work() as work:
            owner = await api_keys.find_owner(work, kind=kind, id_=owner_id)
            new = NewApiKey(
                name=input.name,
                owner=owner,
                workspace_id=workspace_id,
                scopes=frozenset(input.scopes),
                expires_at=input.expires_at,
            )
            row, secret = await api_keys.create_key(
                work, granter=context.principal, new=new, pepper=context.backend.pepper
            )
        return ApiKeyCreatePayload(api_key=show_api_key(row), secret=secret)

    @mutation(
        requires=[Scope.KEYS_WRITE],
        description="Give a key a new secret; its old token stops working at once.",
    )
    async def api_key_rotate(
        self, info: Info, input: Annotated[IdInput, strawberry.argument(description="Which key.")]
    ) -> ApiKeyCreatePayload:
        context = info.context
        key_id = ids.parse(input.id, kind=ids.Kind.API_KEY)
        async with context.organization_work() as work:
            row, secret = await api_keys.rotate_key(
                work, granter=context.principal, id_=key_id, pepper=context.backend.pepper
            )
        return ApiKeyCreatePayload(api_key=show_api_key(row), secret=secret)

    @mutation(requires=[Scope.KEYS_WRITE], description="Revoke a key, for good.")
    async def api_key_revoke(
        self, info: Info, input: Annotated[IdInput, strawberry.argument(description="Which key.")]
    ) -> DeletePayload:
        key_id = ids.parse(input.id, kind=ids.Kind.API_KEY)
        async with info.context.organization_work() as work:
            await api_keys.revoke_key(work, granter=info.context.principal, id_=key_id)
        return DeletePayload(deleted_id=input.id)


def _owner(shown: str) -> tuple[ActorKind, UUID]:
    kind, owner_id = ids.parse_any(shown)
    if kind not in _OWNERS:
        raise InvalidId("The owner of a key is a user or a service account.")
    return _OWNERS[kind], owner_id
