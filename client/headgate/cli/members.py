"""``headgate members``: list, get, invite, remove, bind, unbind; ``invitations``: list, revoke."""

import sys
from typing import Annotated

from cyclopts import Parameter

from headgate.api import members
from headgate.api.members import InvitationAnswer, MemberAnswer
from headgate.cli.choosing import choose
from headgate.cli.confirming import YesOption, confirm
from headgate.cli.connection import Server, connect
from headgate.cli.flow_runs import LimitOption
from headgate.cli.names import KNOWN_NAMES
from headgate.cli.output import (
    Columns,
    Format,
    OutputOption,
    age,
    say,
    show_item,
    show_list,
    write_document,
)
from headgate.cli.role_bindings import (
    ObjectOption,
    RoleArgument,
    WorkspaceOption,
    get_role,
    get_workspace_id,
    grant_of,
    held,
)

MemberName = Annotated[str, Parameter(help="their address, their name, or the membership's id")]


def list_members(*, limit: LimitOption = 50, output: OutputOption = "table") -> None:
    """List the people of the organization, who joined first first."""
    with connect() as server:
        found = server.collect(members.list_members, limit=limit, is_told=output == "table")
    columns: Columns[MemberAnswer] = {
        "name": lambda member: member.user.display_name,
        "e-mail": lambda member: member.user.email,
        "roles": lambda member: held(member.bindings),
        "teams": lambda member: [team.name for team in member.teams],
        "joined": lambda member: age(member.joined_at),
        "id": lambda member: member.id,
    }
    show_list(found, columns=columns, output=output)


def show_member(name: MemberName, /, *, output: OutputOption = "table") -> None:
    """Show a member with the roles that they hold by themselves."""
    with connect() as server:
        member = get_member(server, name)
    _show(member, output=output)


def invite_member(
    email: Annotated[str, Parameter(help="their address")],
    /,
    *,
    role: Annotated[
        list[str], Parameter(name="--role", help="what they will hold; as often as needed")
    ],
    workspace: WorkspaceOption = None,
    any_address: Annotated[
        bool,
        Parameter(name="--any-address", negative="", help="let whoever has the link accept it"),
    ] = False,
    output: OutputOption = "table",
) -> None:
    """Invite somebody; the link is mailed to them or, without a mail server, printed this once."""
    with connect() as server:
        role_ids = [get_role(server, one).id for one in role]
        place = None if workspace is None else get_workspace_id(server, workspace)
        invited = server.call(
            members.invite,
            organization_id=server.organization_id,
            email=email,
            role_ids=role_ids,
            workspace_id=place,
            is_any_address_good=any_address,
        )
    if output != "table":
        invitation = invited.invitation
        identity = invitation.id if invitation is not None else None
        document = {"id": identity, "email": email, "url": invited.invitation_url}
        write_document(document, output)
    elif invited.membership is not None:
        say(f"{email} is a member.")
    elif invited.invitation_url is None:
        say(f"Invited {email}: the link was mailed to them.")
    else:
        say(f"Invited {email}. Hand them this link, which is shown this once:")
        sys.stdout.write(f"{invited.invitation_url}\n")


def list_invitations(*, limit: LimitOption = 50, output: OutputOption = "table") -> None:
    """List invitations that nobody has accepted yet, the latest first."""
    with connect() as server:
        found = server.collect(members.list_invitations, limit=limit, is_told=output == "table")
    columns: Columns[InvitationAnswer] = {
        "e-mail": lambda one: one.email,
        "roles": lambda one: [role.name for role in one.roles],
        "workspace": lambda one: one.workspace.slug if one.workspace else None,
        "by": lambda one: one.invited_by.display_name if one.invited_by else None,
        "ends": lambda one: age(one.expires_at),
        "id": lambda one: one.id,
    }
    show_list(found, columns=columns, output=output)


def revoke_invitation(
    name: Annotated[str, Parameter(help="whose: the address, or the invitation's id")],
    /,
    *,
    yes: YesOption = False,
) -> None:
    """Void the link of an invitation."""
    with connect() as server:
        found = server.collect(members.list_invitations, limit=KNOWN_NAMES, is_told=False)
        invitation = choose(
            name,
            found,
            texts=lambda one: (one.id, one.email),
            what="invitation of",
            listing="headgate invitations list",
        )
        confirm(f"Revoke the invitation of {invitation.email}", is_sure=yes)
        server.call(members.revoke_invitation, invitation_id=invitation.id)
    say(f"Revoked the invitation of {invitation.email}.")


def remove_member(name: MemberName, /, *, yes: YesOption = False) -> None:
    """Remove a member: their roles end, and their keys of this organization."""
    with connect() as server:
        member = get_member(server, name)
        shown = member.user.email or member.user.display_name
        confirm(f"Remove {shown} from {server.organization} with their keys", is_sure=yes)
        server.call(members.remove, member_id=member.id)
    say(f"Removed {shown}.")


def bind_role(
    name: MemberName,
    role: RoleArgument,
    /,
    *,
    workspace: WorkspaceOption = None,
    object_: ObjectOption = None,
    output: OutputOption = "table",
) -> None:
    """Give a role to a member: everywhere, in a workspace, or on one object."""
    with connect() as server:
        member = get_member(server, name)
        grant = grant_of(server, role, workspace=workspace, object_=object_, is_removed=False)
        member = server.call(members.bind, member_id=member.id, grant=grant)
    _show(member, output=output)


def unbind_role(
    name: MemberName,
    role: RoleArgument,
    /,
    *,
    workspace: WorkspaceOption = None,
    object_: ObjectOption = None,
    output: OutputOption = "table",
) -> None:
    """Take a role away from a member, where it was given."""
    with connect() as server:
        member = get_member(server, name)
        grant = grant_of(server, role, workspace=workspace, object_=object_, is_removed=True)
        member = server.call(members.bind, member_id=member.id, grant=grant)
    _show(member, output=output)


def get_member(server: Server, name: str) -> MemberAnswer:
    """Return the member of this address, name or id.

    Raises:
        CommandError: there is none, or several have the name.
    """
    found = server.collect(members.list_members, limit=KNOWN_NAMES, is_told=False)
    return choose(
        name,
        found,
        texts=lambda one: (one.id, one.user.email, one.user.display_name, one.user.id),
        what="member",
        listing="headgate members list",
    )


def _show(member: MemberAnswer, *, output: Format) -> None:
    fields: Columns[MemberAnswer] = {
        "id": lambda member: member.id,
        "name": lambda member: member.user.display_name,
        "e-mail": lambda member: member.user.email,
        "roles": lambda member: "\n".join(held(member.bindings)),
        "teams": lambda member: [team.name for team in member.teams],
        "joined": lambda member: age(member.joined_at),
        "invited by": lambda member: member.invited_by.display_name if member.invited_by else None,
    }
    show_item(member, fields=fields, output=output)
