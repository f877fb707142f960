"""Teams of an organization over the API: list, upsert, delete, members, roles."""

import msgspec

from headgate.api.calls import PAGE_SIZE, Answer, Page, ask_organization, change, given, read_page
from headgate.api.members import Person
from headgate.api.roles import Binding, Grant
from headgate.api.transport import Transport

NOUN = "teams"
LONGEST_PAGE = 20
"""Longer ones cost more than a request may: each team comes with its members and roles."""


class TeamMember(Answer, frozen=True):
    """A membership of somebody who is in a team."""

    id: str
    user: Person


class TeamAnswer(Answer, frozen=True):
    """Members who hold roles together; of both the first hundred, and how many more."""

    id: str
    name: str
    version: int
    bindings: list[Binding]
    members: list[TeamMember]
    bindings_more: int = 0
    members_more: int = 0


async def list_teams(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[TeamAnswer]:
    """Return a page of the teams of an organization, by name."""
    del workspace
    place = await ask_organization(
        transport,
        NOUN,
        "Teams",
        organization=organization,
        first=min(first, LONGEST_PAGE),
        after=after,
    )
    return read_page(place["teams"], item=TeamAnswer)


async def upsert(
    transport: Transport, *, organization_id: str, name: str, team_id: str | None = None
) -> TeamAnswer:
    """Make the team of a name; with ``team_id``, give that team the name.

    Raises:
        ConflictError: another team has the name.
    """
    wanted = given(organizationId=organization_id, name=name, id=team_id)
    payload = await change(transport, NOUN, "TeamUpsert", input=wanted)
    return msgspec.convert(payload["team"], TeamAnswer)


async def delete(transport: Transport, *, team_id: str) -> None:
    """Delete a team: what its members hold through it ends.

    Raises:
        ForbiddenError: this key lacks what it holds.
        ConflictError: no owner would be left.
    """
    await change(transport, NOUN, "TeamDelete", input={"id": team_id})


async def set_member(
    transport: Transport, *, team_id: str, member_id: str, is_removed: bool = False
) -> TeamAnswer:
    """Put a member into a team, or take them out.

    Raises:
        ForbiddenError: this key lacks what the team holds.
    """
    wanted = {"teamId": team_id, "membershipId": member_id, "remove": is_removed}
    payload = await change(transport, NOUN, "TeamMemberSet", input=wanted)
    return msgspec.convert(payload["team"], TeamAnswer)


async def bind(transport: Transport, *, team_id: str, grant: Grant) -> TeamAnswer:
    """Give a role to a team, or take it away.

    Raises:
        ForbiddenError: this key lacks what the role gives there.
    """
    wanted = {"teamId": team_id, **grant.as_variables()}
    payload = await change(transport, NOUN, "TeamRoleBind", input=wanted)
    return msgspec.convert(payload["team"], TeamAnswer)
