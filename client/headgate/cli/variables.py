"""``headgate variables``: list, get, set, history, delete."""

import json
import sys
from functools import partial
from typing import Annotated, Any

from cyclopts import Parameter

from headgate.api import variables
from headgate.api.variables import VariableAnswer, VariableVersion
from headgate.cli.confirming import YesOption, confirm
from headgate.cli.connection import Server, connect
from headgate.cli.failures import CommandError, ExitCode, near_names
from headgate.cli.flow_runs import LimitOption
from headgate.cli.names import KNOWN_NAMES
from headgate.cli.output import Columns, OutputOption, age, say, show_item, show_list
from headgate.cli.parameters import read_value

VariableName = Annotated[str, Parameter(help="its name")]
TagsOption = Annotated[list[str] | None, Parameter(name="--tag", help="a tag; as often as needed")]


def list_variables(
    *, tag: TagsOption = None, limit: LimitOption = 50, output: OutputOption = "table"
) -> None:
    """List variables by name."""
    filter_: dict[str, Any] | None = {"tags": {"all": tag}} if tag else None
    with connect() as server:
        lister = partial(variables.list_variables, filter=filter_)
        found = server.collect(lister, limit=limit, is_told=output == "table")
    columns: Columns[VariableAnswer] = {
        "name": lambda variable: variable.name,
        "value": lambda variable: json.dumps(variable.value, ensure_ascii=False),
        "tags": lambda variable: variable.tags,
        "version": lambda variable: variable.version,
        "changed": lambda variable: age(variable.updated_at),
    }
    show_list(found, columns=columns, output=output)


def get_variable(name: VariableName, /, *, output: OutputOption = "table") -> None:
    """Print the value of a variable: a text as it is, anything else as JSON."""
    with connect() as server:
        found = _get(server, name)
    if output != "table":
        show_item(found, fields={}, output=output)
        return
    value = found.value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    sys.stdout.write(f"{text}\n")


def set_variable(
    name: VariableName,
    value: Annotated[str, Parameter(help="JSON is read as JSON, anything else as text")],
    /,
    *,
    tag: TagsOption = None,
    overwrite: Annotated[
        bool, Parameter(name="--overwrite", negative="", help="change one that exists")
    ] = False,
) -> None:
    """Set a variable; one that exists is left as it is, and the command exits 5."""
    with connect() as server:
        found = _find(server, name)
        if found is not None and not overwrite:
            raise CommandError(
                f"There is a variable {name!r} already",
                code=ExitCode.CONFLICT,
                hints=["Add --overwrite to change it."],
            )
        stored = server.call(
            variables.set_variable,
            workspace_id=server.workspace_id,
            name=name,
            value=read_value(value),
            tags=tag,
            is_new=not overwrite,
        )
    say(f"{'Made' if stored.is_created else 'Set'} the variable {stored.variable.name}.")


def list_history(
    name: VariableName, /, *, limit: LimitOption = 50, output: OutputOption = "table"
) -> None:
    """List what a variable was set to, the newest first; the last 100 times are kept."""
    with connect() as server:
        lister = partial(variables.list_history, name=_get(server, name).name)
        found = server.collect(lister, limit=limit, is_told=output == "table")
    columns: Columns[VariableVersion] = {
        "version": lambda one: one.version,
        "value": lambda one: json.dumps(one.value, ensure_ascii=False),
        "tags": lambda one: one.tags,
        "set": lambda one: age(one.changed_at),
        "by": lambda one: one.changed_by.display_name,
    }
    show_list(found, columns=columns, output=output)


def delete_variable(name: VariableName, /, *, yes: YesOption = False) -> None:
    """Delete a variable with its history."""
    with connect() as server:
        found = _get(server, name)
        confirm(f"Delete the variable {found.name} for good", is_sure=yes)
        server.call(variables.delete, variable_id=found.id)
    say(f"Deleted the variable {found.name}.")


def _find(server: Server, name: str) -> VariableAnswer | None:
    place = {"organization": server.organization, "workspace": server.workspace}
    return server.call(variables.find, **place, name=name).variable


def _get(server: Server, name: str) -> VariableAnswer:
    found = _find(server, name)
    if found is not None:
        return found
    known = server.collect(variables.list_variables, limit=KNOWN_NAMES, is_told=False)
    raise CommandError(
        f"There is no variable {name!r} in {server.organization}/{server.workspace}",
        code=ExitCode.NOT_FOUND,
        hints=near_names(
            name, known=(variable.name for variable in known), listing="headgate variables list"
        ),
    )
