"""``headgate deployments``: versions, diff, promote, rollback."""

import json
from typing import Annotated, Any

from cyclopts import Parameter

from headgate.api import deployment_versions
from headgate.api.calls import Page
from headgate.api.deployment_versions import VersionAnswer, VersionChange
from headgate.api.transport import Transport
from headgate.cli.connection import Server, connect
from headgate.cli.deployments import DeploymentName, show_deployment
from headgate.cli.failures import CommandError, ExitCode
from headgate.cli.flow_runs import LimitOption
from headgate.cli.names import full_name, get_deployment
from headgate.cli.output import Columns, OutputOption, age, say, show_list

KEPT = 500
"""So many versions of a deployment the server keeps."""
_SHOWN_CHARACTERS = 60


def list_versions(
    name: DeploymentName, /, *, limit: LimitOption = 50, output: OutputOption = "table"
) -> None:
    """List a deployment's versions, the newest first."""
    with connect() as server:
        deployment = get_deployment(server, name=name)
        found = _list(server, deployment.id, limit=limit)
    columns: Columns[VersionAnswer] = {
        "number": lambda version: version.number,
        "current": lambda version: version.is_current,
        "label": lambda version: version.label,
        "commit": _commit,
        "by": lambda version: version.created_by.display_name if version.created_by else "",
        "created": lambda version: age(version.created_at),
    }
    show_list(found, columns=columns, output=output)


def show_changes(
    name: DeploymentName,
    old: Annotated[int | None, Parameter(help="a version; the one before the new one")] = None,
    new: Annotated[int | None, Parameter(help="a version; the current one")] = None,
    /,
    *,
    output: OutputOption = "table",
) -> None:
    """Show where two versions of a deployment differ."""
    with connect() as server:
        known = _list(server, get_deployment(server, name=name).id, limit=KEPT)
        after = _find(known, number=new, name=name)
        before = None if old is None else _find(known, number=old, name=name).id
        found = server.call(deployment_versions.changes, version_id=after.id, since=before)
    columns: Columns[VersionChange] = {
        "what": lambda change: ".".join(change.path),
        "before": lambda change: _value(change.before),
        "after": lambda change: _value(change.after),
    }
    show_list(found, columns=columns, output=output)


def promote_version(
    name: DeploymentName,
    number: Annotated[int, Parameter(help="the version")],
    /,
    *,
    output: OutputOption = "table",
) -> None:
    """Make a version the one that new runs are made of."""
    with connect() as server:
        known = _list(server, get_deployment(server, name=name).id, limit=KEPT)
        version = _find(known, number=number, name=name)
        deployment = server.call(deployment_versions.promote, version_id=version.id)
    say(f"{full_name(deployment)} is version {version.number} now.")
    show_deployment(deployment, output=output)


def roll_back(name: DeploymentName, /, *, output: OutputOption = "table") -> None:
    """Make the version that the current one replaced current again."""
    with connect() as server:
        found = get_deployment(server, name=name)
        deployment = server.call(deployment_versions.roll_back, deployment_id=found.id)
        current = _find(_list(server, found.id, limit=KEPT), number=None, name=name)
    say(f"{full_name(deployment)} is version {current.number} again.")
    show_deployment(deployment, output=output)


def _list(server: Server, deployment_id: str, *, limit: int) -> list[VersionAnswer]:
    async def lister(
        transport: Transport, *, organization: str, workspace: str, first: int, after: str | None
    ) -> Page[VersionAnswer]:
        # A deployment's id says which workspace it is in.
        del organization, workspace
        return await deployment_versions.list_versions(
            transport, deployment_id=deployment_id, first=first, after=after
        )

    return server.collect(lister, limit=limit, is_told=False)


def _find(known: list[VersionAnswer], *, number: int | None, name: str) -> VersionAnswer:
    for version in known:
        if version.is_current if number is None else version.number == number:
            return version
    what = "current version" if number is None else f"version {number}"
    raise CommandError(
        f"{name} has no {what}",
        code=ExitCode.NOT_FOUND,
        hints=[f"`headgate deployments versions {name}` shows what there is."],
    )


def _commit(version: VersionAnswer) -> str:
    git = version.git or {}
    commit = str(git.get("commit") or "")[:10]
    return f"{commit}+" if git.get("isDirty") else commit


def _value(value: Any) -> str:
    text = "" if value is None else json.dumps(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
