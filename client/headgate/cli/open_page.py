"""``headgate open``: the page of something, in the browser."""

import sys
import webbrowser
from typing import Annotated
from urllib.parse import quote

from cyclopts import Parameter

from headgate.cli import names
from headgate.cli.connection import Server, connect
from headgate.cli.failures import CommandError
from headgate.cli.output import say

_PAGES = {
    "run_": "runs",
    "dep_": "deployments",
    "agent_": "agents",
    "fgrp_": "failures",
    "art_": "artifacts",
}
_LISTS = {
    "flow-runs": "runs",
    "flows": "flows",
    "deployments": "deployments",
    "failure-groups": "failures",
    "events": "events",
    "artifacts": "artifacts",
    "work-pools": "pools",
    "concurrency-limits": "limits",
    "blocks": "blocks",
    "logs": "logs",
}


def open_page(
    what: Annotated[
        str | None,
        Parameter(help="an id, a run's name, flow/deployment, or a noun as flow-runs"),
    ] = None,
    /,
    *,
    print_only: Annotated[
        bool, Parameter(name="--print", negative="", help="print the address, and open nothing")
    ] = False,
) -> None:
    """Open the page of a run, a deployment or another object; without a word, the workspace's.

    Without a terminal the address is printed.
    """
    with connect() as server:
        path = "" if what is None else _path(server, what)
        pages = server.settings.ui_url or server.url
        address = f"{pages}/{server.organization}/{server.workspace}{path}"
    if print_only or not sys.stdout.isatty():
        sys.stdout.write(f"{address}\n")
        return
    if not webbrowser.open(address):
        message = "No browser could be opened"
        raise CommandError(message, hints=[f"Open {address}"])
    say(f"Opened {address}")


def _path(server: Server, what: str) -> str:
    if what in _LISTS:
        return f"/{_LISTS[what]}"
    for prefix, page in _PAGES.items():
        if what.startswith(prefix):
            return f"/{page}/{quote(what, safe='')}"
    if "/" in what:
        return f"/deployments/{names.get_deployment(server, name=what).id}"
    return f"/runs/{names.get_flow_run(server, name=what).id}"
