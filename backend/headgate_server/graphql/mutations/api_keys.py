"""Mutations on API keys."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import strawberry

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.api_keys import NewApiKey
from headgate_server.domain.errors import InvalidId, NotFound
from headgate_server.domain.permissions import NOTHING, Scope
from headgate_server.domain.tenancy import ActorKind
from headgate_server.graphql.context import OperationContext, needing
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.mutations.flow_runs.inputs import workspace_id_of
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info
from headgate_server.graphql.shapes.payloads import DeletePayload, IdInput
from headgate_server.graphql.types.api_keys import ApiKey, show_api_key
from headgate_server.services import api_keys, askers, work_pools

_MANAGING = frozenset({Scope.KEYS_WRITE})
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
    work_pool_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The pool of an agent's key: it registers agents of that one, has "
        "AGENTS_CONNECT as its only scope, and outlives the rights of who made it. The workspace "
        "is the pool's.",
    )
    expires_at: datetime | None = strawberry.field(
        default=None, description="When it ends; never if not said."
    )


@strawberry.type(description="A key with its secret, which is shown this once.")
class ApiKeyCreatePayload:
    api_key: ApiKey | None = payload_field("The key.")
    secret: str | None = payload_field("The token to send; it cannot be read again.")
    errors: list[MutationError] = errors_field()


@strawberry.type(description="How many keys were revoked.")
class ApiKeyRevokeAllPayload:
    count: int | None = payload_field("How many; those that worked no more are not counted.")
    errors: list[MutationError] = errors_field()


@strawberry.type
class ApiKeyMutations:
    @mutation(
        requires=ANY_CREDENTIAL,
        description="Make a key; its token is shown once. A person who is signed in makes keys of "
        "their own; all else needs KEYS_WRITE. A key never does more than its owner may.",
    )
    async def api_key_create(
        self,
        info: Info,
        input: Annotated[ApiKeyCreateInput, strawberry.argument(description="What to make.")],
    ) -> ApiKeyCreatePayload:
        context = info.context
        kind, owner_id = _owner(input.owner_id)
        workspace_id, pool_id = await _place(context, input)
        async with _work_on_keys(
            context, owner_id=owner_id, workspace_id=workspace_id, work_pool_id=pool_id
        ) as work:
            owner = await api_keys.find_owner(work, kind=kind, id_=owner_id)
            new = NewApiKey(
                name=input.name,
                owner=owner,
                workspace_id=workspace_id,
                work_pool_id=pool_id,
                scopes=frozenset(input.scopes),
                expires_at=input.expires_at,
            )
            await askers.hold(work, context.principal, owner=owner)
            row, secret = await api_keys.create_key(
                work, granter=context.principal, new=new, pepper=context.backend.pepper
            )
        return ApiKeyCreatePayload(api_key=show_api_key(row), secret=secret)

    @mutation(
        requires=ANY_CREDENTIAL,
        description="Give a key a new secret; its old token stops working at once, or after an "
        "overlap. Needs KEYS_WRITE but for the keys of a person who is signed in.",
    )
    async def api_key_rotate(
        self,
        info: Info,
        input: Annotated[IdInput, strawberry.argument(description="Which key.")],
        overlap_seconds: Annotated[
            int,
            strawberry.argument(description="How long both tokens work: 0 to 604,800 (7 days)."),
        ] = 0,
    ) -> ApiKeyCreatePayload:
        context = info.context
        key_id = ids.parse(input.id, kind=ids.Kind.API_KEY)
        async with _work_on_key(context, key_id) as work:
            if context.principal.api_key_id != key_id:
                await askers.hold(work, context.principal)
            row, secret = await api_keys.rotate_key(
                work,
                granter=context.principal,
                id_=key_id,
                pepper=context.backend.pepper,
                overlap=timedelta(seconds=overlap_seconds),
            )
        return ApiKeyCreatePayload(api_key=show_api_key(row), secret=secret)

    @mutation(
        requires=ANY_CREDENTIAL,
        description="Revoke a key, for good. Needs KEYS_WRITE but for the keys of a person who is "
        "signed in, and for the key that asks; one of an archived workspace is revoked as if that "
        "were open.",
    )
    async def api_key_revoke(
        self, info: Info, input: Annotated[IdInput, strawberry.argument(description="Which key.")]
    ) -> DeletePayload:
        key_id = ids.parse(input.id, kind=ids.Kind.API_KEY)
        is_itself = info.context.principal.api_key_id == key_id
        async with _work_on_key(info.context, key_id, is_open=is_itself, is_end=True) as work:
            await api_keys.revoke_key(work, granter=info.context.principal, id_=key_id)
        return DeletePayload(deleted_id=input.id)

    @mutation(
        requires=ANY_CREDENTIAL,
        description="Revoke every key of the caller's own, in every organization and for good; "
        "their sockets close within five seconds. Only who is signed in in a browser may.",
    )
    async def api_key_revoke_all(self, info: Info) -> ApiKeyRevokeAllPayload:
        context = info.context
        async with context.system_work() as work:
            count = await api_keys.revoke_all_own(work, context.principal)
        return ApiKeyRevokeAllPayload(count=count)


@asynccontextmanager
async def _work_on_keys(
    context: OperationContext,
    *,
    owner_id: UUID | None,
    workspace_id: UUID | None,
    work_pool_id: UUID | None = None,
    is_open: bool = False,
    is_end: bool = False,
) -> AsyncGenerator[UnitOfWork]:
    """Open the unit of work of a change of keys; who is signed in changes their own.

    It is the system's, in the name of the organization: no other sees the session that asks, which
    whoever makes a key holds.

    Args:
        context: of the operation.
        owner_id: whose keys.
        workspace_id: the one that the key is good for; the right to manage keys there is enough.
        work_pool_id: the pool of that workspace that the key is to be for.
        is_open: whether no right is needed.
        is_end: whether a key is revoked: that goes also where its workspace is archived.

    Raises:
        Forbidden: the keys are somebody else's, or a key asks, and KEYS_WRITE is missing.
    """
    principal = context.principal
    is_support = principal.support_grant_id is not None
    is_signed_in = principal.login_session_id is not None and not is_support
    is_own = is_signed_in and owner_id == principal.actor.id
    with needing(NOTHING if is_own or is_open else _MANAGING):
        if workspace_id is not None and is_end:
            context.demand_held(workspace_id)
        else:
            context.demand(workspace_id)
    place = workspace_id if work_pool_id is not None else None
    if place is None:
        context.demand(None)
    else:
        await context.enter(place)
    async with context.database.system(
        workspace_id=place, actor=principal.actor, origin=context.origin
    ) as work:
        yield replace(work, organization_id=principal.organization_id)


async def _place(
    context: OperationContext, input: ApiKeyCreateInput
) -> tuple[UUID | None, UUID | None]:
    """Return the workspace and the pool that a key is to be good for.

    Raises:
        NotFound: no such workspace or pool, or one that the caller may not enter.
    """
    workspace_id = workspace_id_of(input.workspace_id) if input.workspace_id else None
    pool_id = None
    if input.work_pool_id is not None:
        pool_id = ids.parse(input.work_pool_id, kind=ids.Kind.WORK_POOL)
        pools_place = await context.workspace_of(work_pools.get_many_work_pools, pool_id)
        if workspace_id not in {None, pools_place}:
            raise NotFound
        workspace_id = pools_place
    if workspace_id is not None and not await context.may_enter(workspace_id):
        raise NotFound
    return workspace_id, pool_id


@asynccontextmanager
async def _work_on_key(
    context: OperationContext, key_id: UUID, *, is_open: bool = False, is_end: bool = False
) -> AsyncGenerator[UnitOfWork]:
    """Open the unit of work of a change of one key; see ``_work_on_keys``.

    Raises:
        NotFound: no such key in the organization.
    """
    key = await context.loaders.load(api_keys.get_many_keys, key_id, workspace_id=None)
    if key is None:
        raise NotFound
    owner_id, workspace_id = key.owner.id, key.workspace_id
    async with _work_on_keys(
        context, owner_id=owner_id, workspace_id=workspace_id, is_open=is_open, is_end=is_end
    ) as work:
        yield work


def _owner(shown: str) -> tuple[ActorKind, UUID]:
    kind, owner_id = ids.parse_any(shown)
    if kind not in _OWNERS:
        raise InvalidId("The owner of a key is a user or a service account.")
    return _OWNERS[kind], owner_id
