"""Mutations on the browsers in which a person is signed in."""

from typing import Annotated

import strawberry

from headgate_server.domain import ids
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info
from headgate_server.graphql.shapes.payloads import DeletePayload, IdInput
from headgate_server.services import login_sessions


@strawberry.input(description="Signing out in every browser.")
class LoginSessionRevokeAllInput:
    keep_current: bool = strawberry.field(
        default=False, description="Stay signed in where the caller asks from."
    )


@strawberry.type(description="How many sessions have ended.")
class LoginSessionRevokeAllPayload:
    count: int | None = payload_field("How many; those that had ended before are not counted.")
    errors: list[MutationError] = errors_field()


@strawberry.type
class LoginSessionMutations:
    @mutation(
        requires=ANY_CREDENTIAL,
        description="End one of the caller's own sessions; its sockets close within five seconds. "
        "Only who is signed in in a browser may: a key may not.",
    )
    async def login_session_revoke(
        self, info: Info, input: Annotated[IdInput, strawberry.argument(description="Which.")]
    ) -> DeletePayload:
        id_ = ids.parse(input.id, kind=ids.Kind.LOGIN_SESSION)
        context = info.context
        async with context.system_work() as work:
            await login_sessions.revoke_own(work, context.principal, id_=id_)
        return DeletePayload(deleted_id=input.id)

    @mutation(
        requires=ANY_CREDENTIAL,
        description="Sign the caller out in every browser; see loginSessionRevoke.",
    )
    async def login_session_revoke_all(
        self,
        info: Info,
        input: Annotated[
            LoginSessionRevokeAllInput, strawberry.argument(description="Where not, if anywhere.")
        ],
    ) -> LoginSessionRevokeAllPayload:
        context = info.context
        async with context.system_work() as work:
            count = await login_sessions.revoke_all_own(
                work, context.principal, is_current_kept=input.keep_current
            )
        return LoginSessionRevokeAllPayload(count=count)
