"""``headgate artifacts``: list, inspect, delete."""

import json
import sys
from functools import partial
from typing import Annotated, Any

from cyclopts import Parameter

from headgate.api import artifacts
from headgate.api.artifacts import ArtifactAnswer, WholeArtifact
from headgate.api.calls import given
from headgate.cli.confirming import YesOption, confirm
from headgate.cli.connection import Server, connect
from headgate.cli.failures import CommandError, ExitCode, near_names
from headgate.cli.flow_runs import LimitOption
from headgate.cli.names import KNOWN_NAMES
from headgate.cli.output import Columns, OutputOption, age, say, show_item, show_list
from headgate.texts import visible

_ID = "art_"

WhichArtifact = Annotated[str, Parameter(help="its id, or a key for the latest of it")]


def list_artifacts(
    *,
    key: Annotated[str | None, Parameter(help="only those of this key: its history")] = None,
    type: Annotated[
        str | None, Parameter(help="only markdown, table, link, image, progress or result")
    ] = None,
    every: Annotated[
        bool,
        Parameter(name="--all", negative="", help="every artifact, not only the latest per key"),
    ] = False,
    limit: LimitOption = 50,
    output: OutputOption = "table",
) -> None:
    """List artifacts, the newest first: the latest of each key, unless --all or --key is said."""
    filter_ = given(
        key=None if key is None else {"eq": key},
        type=None if type is None else {"eq": type},
        latestPerKey=None if every or key is not None else True,
    )
    with connect() as server:
        lister = partial(artifacts.list_artifacts, filter=filter_)
        found = server.collect(lister, limit=limit, is_told=output == "table")
    columns: Columns[ArtifactAnswer] = {
        "id": lambda artifact: artifact.id,
        "key": lambda artifact: artifact.key,
        "type": lambda artifact: artifact.type,
        "run": lambda artifact: artifact.flow_run.name if artifact.flow_run else None,
        "bytes": lambda artifact: artifact.size_bytes,
        "made": lambda artifact: age(artifact.created_at),
    }
    show_list(found, columns=columns, output=output)


def inspect_artifact(which: WhichArtifact, /, *, output: OutputOption = "table") -> None:
    """Show an artifact with its data."""
    with connect() as server:
        found = _get(server, which)
    fields: Columns[WholeArtifact] = {
        "id": lambda artifact: artifact.id,
        "key": lambda artifact: artifact.key,
        "type": lambda artifact: artifact.type,
        "description": lambda artifact: artifact.description,
        "flow run": lambda artifact: artifact.flow_run.name if artifact.flow_run else None,
        "task run": lambda artifact: artifact.task_run.name if artifact.task_run else None,
        "made": lambda artifact: age(artifact.created_at),
        "changed": lambda artifact: age(artifact.updated_at),
    }
    show_item(found, fields=fields, output=output)
    if output == "table":
        sys.stdout.write(f"\n{visible(_text(found.data))}\n")


def delete_artifact(which: WhichArtifact, /, *, yes: YesOption = False) -> None:
    """Delete an artifact; of its key the one before it is the latest then."""
    with connect() as server:
        found = _get(server, which)
        confirm(f"Delete the artifact {found.key or found.id} for good", is_sure=yes)
        server.call(artifacts.delete, artifact_id=found.id)
    say(f"Deleted the artifact {found.id}.")


def _text(data: Any) -> str:
    return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, indent=2)


def _get(server: Server, which: str) -> WholeArtifact:
    if which.startswith(_ID):
        return server.call(artifacts.get, artifact_id=which)
    place = {"organization": server.organization, "workspace": server.workspace}
    found = server.call(artifacts.find_latest, **place, key=which)
    if found is not None:
        return found
    lister = partial(artifacts.list_artifacts, filter={"latestPerKey": True})
    known = server.collect(lister, limit=KNOWN_NAMES, is_told=False)
    raise CommandError(
        f"There is no artifact of the key {which!r} in {server.organization}/{server.workspace}",
        code=ExitCode.NOT_FOUND,
        hints=near_names(
            which,
            known=(artifact.key for artifact in known if artifact.key),
            listing="headgate artifacts list",
        ),
    )
