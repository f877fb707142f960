"""``headgate teams``: list, get, create, rename, delete, add, remove, bind, unbind."""

from collections.abc import Iterable
from typing import Annotated

from cyclopts import Parameter

from headgate.api import teams
from headgate.api.teams import TeamAnswer, TeamMember
from headgate.cli.choosing import choose
from headgate.cli.confirming import YesOption, confirm
from headgate.cli.connection import Server, connect
from headgate.cli.failures import CommandError, ExitCode
from headgate.cli.flow_runs import LimitOption
from headgate.cli.members import MemberName, get_member
from headgate.cli.names import KNOWN_NAMES
from headgate.cli.output import Columns, Format, OutputOption, say, show_item, show_list
from headgate.cli.role_bindings import (
    ObjectOption,
    RoleArgument,
    WorkspaceOption,
    grant_of,
    held,
)

TeamName = Annotated[str, Parameter(help="its name, or its id")]


def list_teams(*, limit: LimitOption = 50, output: OutputOption = "table") -> None:
    """List teams by name."""
    with connect() as server:
        found = server.collect(teams.list_teams, limit=limit, is_told=output == "table")
    columns: Columns[TeamAnswer] = {
        "name": lambda team: team.name,
        "id": lambda team: team.id,
        "roles": lambda team: _with_more(held(team.bindings), team.bindings_more),
        "members": lambda team: len(team.members) + team.members_more,
    }
    show_list(found, columns=columns, output=output)


def show_team(name: TeamName, /, *, output: OutputOption = "table") -> None:
    """Show a team with its members and the roles that they hold through it."""
    with connect() as server:
        team = _get(server, name)
    _show(team, output=output)


def create_team(
    name: Annotated[str, Parameter(help="1 to 200 characters")],
    /,
    *,
    output: OutputOption = "table",
) -> None:
    """Create a team; one of this name is left as it is, and the command exits 5."""
    with connect() as server:
        found = server.collect(teams.list_teams, limit=KNOWN_NAMES, is_told=False)
        if any(team.name == name for team in found):
            raise CommandError(
                f"There is a team {name!r} already",
                code=ExitCode.CONFLICT,
                hints=[f"`headgate teams get {name}` shows it."],
            )
        team = server.call(teams.upsert, organization_id=server.organization_id, name=name)
    _show(team, output=output)


def rename_team(
    name: TeamName,
    new_name: Annotated[str, Parameter(help="what to call it from now on")],
    /,
    *,
    output: OutputOption = "table",
) -> None:
    """Give a team another name."""
    with connect() as server:
        team = _get(server, name)
        team = server.call(
            teams.upsert, organization_id=server.organization_id, name=new_name, team_id=team.id
        )
    _show(team, output=output)


def delete_team(name: TeamName, /, *, yes: YesOption = False) -> None:
    """Delete a team: what its members hold through it ends."""
    with connect() as server:
        team = _get(server, name)
        confirm(f"Delete the team {team.name}", is_sure=yes)
        server.call(teams.delete, team_id=team.id)
    say(f"Deleted the team {team.name}.")


def add_member(name: TeamName, member: MemberName, /, *, output: OutputOption = "table") -> None:
    """Put a member into a team."""
    _set_member(name, member, is_removed=False, output=output)


def remove_member(name: TeamName, member: MemberName, /, *, output: OutputOption = "table") -> None:
    """Take a member out of a team."""
    _set_member(name, member, is_removed=True, output=output)


def bind_role(
    name: TeamName,
    role: RoleArgument,
    /,
    *,
    workspace: WorkspaceOption = None,
    object_: ObjectOption = None,
    output: OutputOption = "table",
) -> None:
    """Give a role to a team: everywhere, in a workspace, or on one object."""
    with connect() as server:
        team = _get(server, name)
        grant = grant_of(server, role, workspace=workspace, object_=object_, is_removed=False)
        team = server.call(teams.bind, team_id=team.id, grant=grant)
    _show(team, output=output)


def unbind_role(
    name: TeamName,
    role: RoleArgument,
    /,
    *,
    workspace: WorkspaceOption = None,
    object_: ObjectOption = None,
    output: OutputOption = "table",
) -> None:
    """Take a role away from a team, where it was given."""
    with connect() as server:
        team = _get(server, name)
        grant = grant_of(server, role, workspace=workspace, object_=object_, is_removed=True)
        team = server.call(teams.bind, team_id=team.id, grant=grant)
    _show(team, output=output)


def _set_member(name: str, member: str, *, is_removed: bool, output: Format) -> None:
    with connect() as server:
        team = _get(server, name)
        team = server.call(
            teams.set_member,
            team_id=team.id,
            member_id=get_member(server, member).id,
            is_removed=is_removed,
        )
    _show(team, output=output)


def _get(server: Server, name: str) -> TeamAnswer:
    found = server.collect(teams.list_teams, limit=KNOWN_NAMES, is_told=False)
    return choose(
        name,
        found,
        texts=lambda team: (team.id, team.name),
        what="team",
        listing="headgate teams list",
    )


def _show(team: TeamAnswer, *, output: Format) -> None:
    fields: Columns[TeamAnswer] = {
        "id": lambda team: team.id,
        "name": lambda team: team.name,
        "roles": lambda team: "\n".join(_with_more(held(team.bindings), team.bindings_more)),
        "members": lambda team: "\n".join(
            _with_more(map(_member, team.members), team.members_more)
        ),
    }
    show_item(team, fields=fields, output=output)


def _with_more(shown: Iterable[str], more: int) -> list[str]:
    return [*shown, f"and {more} more"] if more else [*shown]


def _member(member: TeamMember) -> str:
    user = member.user
    return f"{user.display_name} <{user.email}>" if user.email else user.display_name
