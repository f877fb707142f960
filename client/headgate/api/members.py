"""People of an organization over the API: list, invite, remove, give roles."""

from datetime import datetime

import msgspec

from headgate.api.calls import PAGE_SIZE, Answer, Page, ask_organization, change, given, read_page
from headgate.api.roles import Binding, Grant, HeldIn, RoleName
from headgate.api.transport import Transport

NOUN = "members"
LONGEST_PAGE = 20
"""Longer ones may hold more than a request may: each member comes with their teams and roles."""


class Person(Answer, frozen=True):
    """Somebody who signs in."""

    id: str
    display_name: str
    email: str | None = None


class Inviter(Answer, frozen=True):
    """Who asked somebody to join."""

    display_name: str


class TeamName(Answer, frozen=True):
    """A team, named."""

    id: str
    name: str


class MemberAnswer(Answer, frozen=True):
    """A person in an organization; ``bindings`` are the roles they hold by themselves."""

    id: str
    joined_at: datetime
    user: Person
    bindings: list[Binding]
    teams: list[TeamName]
    invited_by: Inviter | None = None


class InvitationAnswer(Answer, frozen=True):
    """Somebody who was asked to join; ``workspace`` is None for all of the organization."""

    id: str
    email: str
    created_at: datetime
    expires_at: datetime
    roles: list[RoleName]
    accepted_at: datetime | None = None
    revoked_at: datetime | None = None
    invited_by: Inviter | None = None
    workspace: HeldIn | None = None


class Invited(Answer, frozen=True):
    """What became of an invitation; the link is there once, and only where no mail was sent."""

    membership: MemberAnswer | None = None
    invitation: InvitationAnswer | None = None
    invitation_url: str | None = None


async def list_members(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[MemberAnswer]:
    """Return a page of the people of an organization, who joined first first."""
    del workspace
    place = await ask_organization(
        transport,
        NOUN,
        "Members",
        organization=organization,
        first=min(first, LONGEST_PAGE),
        after=after,
    )
    return read_page(place["members"], item=MemberAnswer)


async def list_invitations(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[InvitationAnswer]:
    """Return a page of the invitations that nobody accepted or revoked, the latest first."""
    del workspace
    place = await ask_organization(
        transport,
        NOUN,
        "Invitations",
        organization=organization,
        first=min(first, LONGEST_PAGE),
        after=after,
    )
    return read_page(place["invitations"], item=InvitationAnswer)


async def invite(
    transport: Transport,
    *,
    organization_id: str,
    email: str,
    role_ids: list[str],
    workspace_id: str | None = None,
    is_any_address_good: bool = False,
) -> Invited:
    """Invite somebody, with a link that is good once and for seven days.

    Args:
        workspace_id: where they will hold the roles; None for all of the organization.
        is_any_address_good: whether a person of another address may accept it.

    Raises:
        ForbiddenError: this key lacks what it would give.
        ConflictError: they are a member already.
    """
    payload = await change(
        transport,
        NOUN,
        "MemberInvite",
        input=given(
            organizationId=organization_id,
            email=email,
            roleIds=role_ids,
            workspaceId=workspace_id,
            anyAddress=is_any_address_good,
        ),
    )
    return msgspec.convert(payload, Invited)


async def revoke_invitation(transport: Transport, *, invitation_id: str) -> InvitationAnswer:
    """Void the link of an invitation.

    Raises:
        ForbiddenError: this key lacks what it gives.
        NotFoundError: there is none.
    """
    payload = await change(transport, NOUN, "InvitationRevoke", input={"id": invitation_id})
    return msgspec.convert(payload["invitation"], InvitationAnswer)


async def remove(transport: Transport, *, member_id: str) -> None:
    """End a membership, with its roles and the person's keys in the organization.

    Raises:
        ForbiddenError: this key lacks what they hold.
        ConflictError: they are the last owner.
    """
    await change(transport, NOUN, "MemberRemove", input={"id": member_id})


async def bind(transport: Transport, *, member_id: str, grant: Grant) -> MemberAnswer:
    """Give a role to a member, or take it away.

    Raises:
        ForbiddenError: this key lacks what the role gives there.
        ConflictError: no owner would be left.
    """
    wanted = {"membershipId": member_id, **grant.as_variables()}
    payload = await change(transport, NOUN, "RoleBind", input=wanted)
    return msgspec.convert(payload["membership"], MemberAnswer)
