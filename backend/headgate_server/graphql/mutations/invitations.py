"""Mutations on invitations."""

from typing import Annotated

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.members import Invitation as InvitationRow
from headgate_server.domain.permissions import Scope
from headgate_server.domain.roles import EVERYWHERE, BindingPlace
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.mutations.roles import MembershipPayload, own_organization
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.shapes.payloads import IdInput
from headgate_server.graphql.types.invitations import Invitation, show_invitation
from headgate_server.services import invitations, mails, organizations


@strawberry.input(description="Somebody to be invited.")
class MemberInviteInput:
    organization_id: strawberry.ID = strawberry.field(description="To which organization.")
    email: str = strawberry.field(description="Their address, of the form name@host.")
    role_ids: list[strawberry.ID] = strawberry.field(
        description="What they will hold: at most 20 roles, of the caller's own rights."
    )
    workspace_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Only in this workspace; everywhere in the organization if not said.",
    )
    any_address: bool = strawberry.field(
        default=False,
        description="Whether a person who has another address may accept it, too: whoever has the "
        "link. If not said, only the person of this address, somebody new, or who has no address.",
    )


@strawberry.type(description="An invitation that was changed.")
class InvitationPayload:
    invitation: Invitation | None = payload_field("The invitation.")
    errors: list[MutationError] = errors_field()


@strawberry.type
class InvitationMutations:
    @mutation(
        requires=[Scope.MEMBERS_WRITE],
        description="Invite somebody, with a link that is good once and for seven days. It is "
        "mailed to them; where no mail server is set, it is returned, this once. Nobody gives "
        "what they do not hold themselves, now and as the link is opened. A former invitation of "
        "the address is void then, and so is this one where the mail server takes no mail to the "
        "address. Whether the address has an account makes no difference.",
    )
    async def member_invite(
        self,
        info: Info,
        input: Annotated[MemberInviteInput, strawberry.argument(description="Whom.")],
    ) -> MembershipPayload:
        context, backend = info.context, info.context.backend
        organization_id = own_organization(context, input.organization_id)
        role_ids = [ids.parse(one, kind=ids.Kind.ROLE) for one in input.role_ids]
        async with context.organization_work() as work:
            row, token = await invitations.invite(
                work,
                granter=context.principal,
                email=input.email,
                role_ids=role_ids,
                place=_place(input.workspace_id),
                pepper=backend.pepper,
                is_mailed=backend.mailer is not None,
                is_for_anybody=input.any_address,
            )
            place = await organizations.get_organization(work, id_=organization_id)
        link = invitations.link_of(backend.url, token)
        if backend.mailer is not None:
            await _mail(info, backend.mailer, row, organization=place.name, link=link)
        return MembershipPayload(
            invitation=show_invitation(row),
            invitation_url=link if backend.mailer is None else None,
        )

    @mutation(
        requires=[Scope.MEMBERS_WRITE],
        description="Void the link of an invitation. Needs all that it gives.",
    )
    async def invitation_revoke(
        self, info: Info, input: Annotated[IdInput, strawberry.argument(description="Which.")]
    ) -> InvitationPayload:
        id_ = ids.parse(input.id, kind=ids.Kind.INVITATION)
        async with info.context.organization_work() as work:
            row = await invitations.revoke(work, granter=info.context.principal, id_=id_)
        return InvitationPayload(invitation=show_invitation(row))


async def _mail(
    info: Info, mailer: mails.Mailer, row: InvitationRow, *, organization: str, link: str
) -> None:
    """Mail an invitation; of an address that is refused for good it is open no more."""
    mail = mails.invitation_mail(
        to=row.email,
        organization=organization,
        invited_by=row.invited_by.display_name,
        link=link,
        expires_at=row.expires_at,
    )
    try:
        await mailer.send(mail, patience_seconds=mails.WAITED_SECONDS)
    except mails.MailRefused:
        async with info.context.organization_work() as work:
            await invitations.revoke(work, granter=info.context.principal, id_=row.id)
        raise


def _place(workspace_id: str | None) -> BindingPlace:
    if workspace_id is None:
        return EVERYWHERE
    return BindingPlace(ids.parse(workspace_id, kind=ids.Kind.WORKSPACE))
