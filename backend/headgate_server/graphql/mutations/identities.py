"""Mutations on the identities that a person may sign in with."""

from typing import Annotated

import strawberry

from headgate_server.domain import ids
from headgate_server.graphql.fields import mutation
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info
from headgate_server.graphql.shapes.payloads import DeletePayload, IdInput
from headgate_server.services import identities, notices


@strawberry.type
class IdentityMutations:
    @mutation(
        requires=ANY_CREDENTIAL,
        description="Take one of the caller's own identities away: nobody signs in as them with it "
        "any more, what its groups gave them is taken back, every other session of theirs ends, "
        "and a mail tells them. Refused where they could not sign in any more without it, and to "
        "who signed in longer ago than ten minutes. Only who is signed in in a browser may.",
    )
    async def identity_unlink(
        self, info: Info, input: Annotated[IdInput, strawberry.argument(description="Which.")]
    ) -> DeletePayload:
        id_ = ids.parse(input.id, kind=ids.Kind.IDENTITY)
        context, backend = info.context, info.context.backend
        principal = context.principal
        async with context.system_work() as work:
            gone = await identities.unlink_own(
                work,
                principal,
                id_=id_,
                providers=backend.identity_providers,
                is_by_password=backend.has_passwords,
            )
        if principal.actor.id is not None:
            await notices.tell_change(
                backend.database,
                backend.mailer,
                user_id=principal.actor.id,
                what=notices.IDENTITY_UNLINKED.format(issuer=gone.issuer),
                url=backend.url,
            )
        return DeletePayload(deleted_id=input.id)
