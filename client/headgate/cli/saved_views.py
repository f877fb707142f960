"""``headgate views``: list, show, delete what people keep of the pages' filters."""

import json
import sys
from functools import partial
from typing import Annotated

from cyclopts import Parameter

from headgate.api import saved_views
from headgate.api.saved_views import SavedView
from headgate.cli.confirming import YesOption, confirm
from headgate.cli.connection import Server, connect
from headgate.cli.failures import CommandError, ExitCode, near_names
from headgate.cli.flow_runs import LimitOption
from headgate.cli.names import KNOWN_NAMES
from headgate.cli.output import Columns, OutputOption, age, say, show_item, show_list
from headgate.texts import visible

_ID = "view_"

WhichView = Annotated[str, Parameter(help="its id, or its name where no other has it")]


def list_views(
    *,
    page: Annotated[str | None, Parameter(help="only those of this page, as flow-runs")] = None,
    limit: LimitOption = 50,
    output: OutputOption = "table",
) -> None:
    """List your own saved views and those that are shared, by name."""
    with connect() as server:
        lister = partial(saved_views.list_views, page=page)
        found = server.collect(lister, limit=limit, is_told=output == "table")
    show_list(found, columns=_columns(), output=output)


def show_view(which: WhichView, /, *, output: OutputOption = "table") -> None:
    """Show a saved view with what it narrows its page to."""
    with connect() as server:
        found = _get(server, which)
    fields: Columns[SavedView] = {
        **_columns(),
        "columns": lambda view: view.columns,
        "made": lambda view: age(view.created_at),
    }
    show_item(found, fields=fields, output=output)
    if output == "table":
        text = json.dumps(found.filter, ensure_ascii=False, indent=2)
        sys.stdout.write(f"\n{visible(text)}\n")


def delete_view(which: WhichView, /, *, yes: YesOption = False) -> None:
    """Delete a saved view."""
    with connect() as server:
        found = _get(server, which)
        confirm(f"Delete the saved view {found.name} for good", is_sure=yes)
        server.call(saved_views.delete, view_id=found.id)
    say(f"Deleted the saved view {found.name}.")


def _columns() -> Columns[SavedView]:
    return {
        "id": lambda view: view.id,
        "name": lambda view: view.name,
        "page": lambda view: view.page,
        "shared": lambda view: view.shared,
        "by": lambda view: view.created_by.display_name if view.created_by else None,
        "changed": lambda view: age(view.updated_at),
    }


def _get(server: Server, which: str) -> SavedView:
    if which.startswith(_ID):
        return server.call(saved_views.get, view_id=which)
    known = server.collect(saved_views.list_views, limit=KNOWN_NAMES, is_told=False)
    found = [view for view in known if view.name == which]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(view.id for view in found)
        message = f"{len(found)} saved views are called {which!r}: name one by its id, of {ids}"
        raise CommandError(message, code=ExitCode.CONFLICT)
    raise CommandError(
        f"There is no saved view {which!r} in {server.organization}/{server.workspace}",
        code=ExitCode.NOT_FOUND,
        hints=near_names(which, known=(view.name for view in known), listing="headgate views list"),
    )
