"""``headgate roles``: list, get, set, delete."""

from typing import Annotated

from cyclopts import Parameter

from headgate.api import roles
from headgate.api.roles import RoleAnswer
from headgate.cli.confirming import YesOption, confirm
from headgate.cli.connection import connect
from headgate.cli.failures import CommandError, ExitCode, near_names
from headgate.cli.output import Columns, Format, OutputOption, say, show_item, show_list
from headgate.cli.role_bindings import get_role

RoleName = Annotated[str, Parameter(help="its name, or its id")]


def list_roles(*, output: OutputOption = "table") -> None:
    """List the built-in roles, the most powerful first, then the organization's own by name."""
    with connect() as server:
        found = server.call(roles.list_roles, organization=server.organization)
    columns: Columns[RoleAnswer] = {
        "name": lambda role: role.name,
        "id": lambda role: role.id,
        "built-in": lambda role: role.builtin,
        "scopes": lambda role: len(role.scopes),
    }
    show_list(found, columns=columns, output=output)


def show_role(name: RoleName, /, *, output: OutputOption = "table") -> None:
    """Show a role with all that it gives."""
    with connect() as server:
        role = get_role(server, name)
    _show(role, output=output)


def set_role(
    name: Annotated[str, Parameter(help="1 to 200 characters")],
    /,
    *,
    scope: Annotated[
        list[str],
        Parameter(name="--scope", help="what it gives, as RUNS_READ; as often as needed"),
    ],
    output: OutputOption = "table",
) -> None:
    """Make a role of the organization's own, or change what it gives: all of it is to be said."""
    scopes = [one.upper() for one in scope]
    with connect() as server:
        listed = server.call(roles.list_roles, organization=server.organization)
        known = {each for role in listed for each in role.scopes}
        for one in scopes:
            if one not in known:
                raise CommandError(
                    f"There is no scope {one}",
                    code=ExitCode.USAGE,
                    hints=near_names(one, known=known, listing="headgate roles get Owner"),
                )
        before = next((role for role in listed if role.name == name and not role.builtin), None)
        role = server.call(
            roles.upsert,
            organization_id=server.organization_id,
            name=name,
            scopes=scopes,
            expected_version=None if before is None else before.version,
        )
    say(f"{'Made' if before is None else 'Changed'} the role {role.name}.")
    _show(role, output=output)


def delete_role(name: RoleName, /, *, yes: YesOption = False) -> None:
    """Delete a role of the organization's own."""
    with connect() as server:
        role = get_role(server, name)
        confirm(f"Delete the role {role.name}", is_sure=yes)
        server.call(roles.delete, role_id=role.id)
    say(f"Deleted the role {role.name}.")


def _show(role: RoleAnswer, *, output: Format) -> None:
    fields: Columns[RoleAnswer] = {
        "id": lambda role: role.id,
        "name": lambda role: role.name,
        "built-in": lambda role: role.builtin,
        "version": lambda role: role.version,
        "scopes": lambda role: "\n".join(role.scopes),
    }
    show_item(role, fields=fields, output=output)
