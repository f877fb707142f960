"""``headgate apply`` and ``headgate export``: a workspace's configuration as files."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from headgate.cli.configuration.files import Configuration, read_files
from headgate.cli.configuration.kinds import KINDS, get_kind
from headgate.cli.configuration.plans import Kind, Plan, Stored, Wanted, plan_of
from headgate.cli.confirming import YesOption, confirm
from headgate.cli.connection import Server, connect
from headgate.cli.failures import CommandError, ExitCode, exit_code_of, hints_of, words_of
from headgate.cli.output import Columns, Format, OutputOption, say, show_list
from headgate.errors import HeadgateError, RefusedError

_SIGNS = {"create": "+", "change": "~", "keep": "=", "delete": "-"}
_WIDEST = 60
"""So many characters of a value are shown; programs get all of it."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done to one object."""

    kind: Kind
    wanted: Wanted
    plan: Plan


def apply(
    *,
    file: Annotated[
        list[Path],
        Parameter(name=("--file", "-f"), help="a file, or a folder of them; as often as needed"),
    ],
    prune: Annotated[
        bool,
        Parameter(negative="", help="delete what is in no file, of the kinds that files name"),
    ] = False,
    plan: Annotated[
        bool, Parameter(name="--plan", negative="", help="show what would change, and stop")
    ] = False,
    yes: YesOption = False,
    output: OutputOption = "table",
) -> None:
    """Make the workspace's configuration what files say, after showing what that would change.

    What files do not say stays. Deployments are stored together or not at all; other objects one
    after another, each only if nobody has changed it since it was shown.
    """
    wanted = read_files(file)
    with connect() as server:
        steps = _steps(server, wanted, is_pruned=prune)
        show_plan([step.plan for step in steps], output=output)
        todo = [step for step in steps if step.plan.verb != "keep"]
        if plan or not todo:
            return
        what = f"Apply {len(todo)} changes to {server.organization}/{server.workspace}"
        confirm(what, is_sure=yes)
        _carry_out(server, todo)
    say(f"Applied {len(todo)} changes.")


def export(
    folder: Annotated[
        Path | None, Parameter(help="where to write a file a kind; without it, they are printed")
    ] = None,
    /,
    *,
    only: Annotated[
        list[str] | None, Parameter(name="--only", help="only this kind, as work-pools")
    ] = None,
    force: Annotated[
        bool, Parameter(name="--force", negative="", help="replace files that are there")
    ] = False,
) -> None:
    """Write the workspace's configuration as files that `headgate apply` reads.

    Secrets of blocks are left out: nobody can read them, and applying leaves them as they are.
    """
    kinds = KINDS if only is None else [get_kind(noun) for noun in only]
    with connect() as server:
        found = {kind.noun: _fields(kind.read(server)) for kind in kinds}
    sections = {noun: objects for noun, objects in found.items() if objects}
    if folder is None:
        sys.stdout.write(_yaml(sections))
        return
    files = {folder / f"{noun}.yaml": {noun: objects} for noun, objects in sections.items()}
    there = [str(path) for path in files if path.exists()]
    if there and not force:
        raise CommandError(
            f"{', '.join(there)} {'is' if len(there) == 1 else 'are'} there",
            code=ExitCode.CONFLICT,
            hints=["Say --force to replace."],
        )
    folder.mkdir(parents=True, exist_ok=True)
    for path, section in files.items():
        path.write_text(_yaml(section), encoding="utf-8")
    count = sum(len(objects) for objects in sections.values())
    say(f"Wrote {count} objects to {len(files)} files in {folder}.")


def show_plan(plans: Sequence[Plan], *, output: Format) -> None:
    """Print what would become of each object that changes, and the counts on standard error."""
    if output != "table":
        columns: Columns[Plan] = {"name": lambda plan: plan.name}
        show_list(plans, columns=columns, output=output)
    else:
        rows = [row for plan in plans if plan.verb != "keep" for row in _rows(plan)]
        shown: Columns[tuple[str, str, str, str]] = {
            "object": lambda row: row[0],
            "field": lambda row: row[1],
            "before": lambda row: row[2],
            "after": lambda row: row[3],
        }
        if rows:
            show_list(rows, columns=shown, output=output)
    counts = {verb: sum(plan.verb == verb for plan in plans) for verb in _SIGNS}
    say(
        f"{counts['create']} to create, {counts['change']} to change, "
        f"{counts['delete']} to delete, {counts['keep']} as they are."
    )


def _steps(server: Server, wanted: Configuration, *, is_pruned: bool) -> list[Step]:
    """Return what is to be done, in the order to do it; deletions last, the other way round."""
    steps: list[Step] = []
    deletions: list[Step] = []
    for kind in KINDS:
        if kind.noun not in wanted:
            continue
        stored = kind.read(server)
        for name, fields in wanted[kind.noun].items():
            one = Wanted(name, fields, stored.get(name))
            steps.append(Step(kind, one, plan_of(kind, one)))
        if is_pruned:
            gone = [name for name in stored if name not in wanted[kind.noun]]
            deletions = [*(_deletion(kind, name, stored[name]) for name in gone), *deletions]
    return steps + deletions


def _deletion(kind: Kind, name: str, stored: Stored) -> Step:
    return Step(kind, Wanted(name, {}, stored), Plan(kind.noun, name, "delete"))


def _carry_out(server: Server, steps: Sequence[Step]) -> None:
    """Do the steps; the first that fails ends it.

    Raises:
        CommandError: one failed; the hints say what was done before it.
    """
    done = 0
    for group in _groups(steps):
        try:
            _do(server, group)
        except HeadgateError as error:
            message = f"{group[0].kind.noun}: {_blamed(group, error)}: {words_of(error)}"
            after = f"{done} of {len(steps)} changes were applied before; apply again to go on."
            hints = [*hints_of(error), after]
            raise CommandError(message, code=exit_code_of(error), hints=hints) from error
        done += len(group)
        for one in group:
            say(f"{_SIGNS[one.plan.verb]} {one.kind.noun} {one.wanted.name}")


def _groups(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """Return the steps in order, those together that the server takes in one go."""
    group: list[Step] = []
    for step in steps:
        is_same = bool(group) and group[0].kind is step.kind
        is_put = bool(group) and "delete" not in {group[0].plan.verb, step.plan.verb}
        if group and not (is_same and is_put and len(group) < step.kind.at_once):
            yield group
            group = []
        group.append(step)
    if group:
        yield group


def _blamed(group: Sequence[Step], error: HeadgateError) -> str:
    """Return the name of what was refused, or of all where the server does not say which."""
    path = error.path if isinstance(error, RefusedError) else ()
    if len(path) > 1 and path[0] == "deployments" and int(path[1]) < len(group):
        return group[int(path[1])].wanted.name
    return ", ".join(step.wanted.name for step in group)


def _do(server: Server, group: Sequence[Step]) -> None:
    step = group[0]
    if step.plan.verb == "delete" and step.wanted.stored is not None:
        step.kind.delete(server, step.wanted.stored)
    else:
        step.kind.put(server, [one.wanted for one in group])


def _rows(plan: Plan) -> list[tuple[str, str, str, str]]:
    name = f"{_SIGNS[plan.verb]} {plan.kind} {plan.name}"
    if not plan.changes:
        return [(name, "", "", "")]
    return [
        (name, change.field, _text(change.before), _text(change.after)) for change in plan.changes
    ]


def _text(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = text.replace("\n", " ")
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


def _fields(stored: dict[str, Stored]) -> dict[str, Any]:
    return {name: one.fields for name, one in stored.items()}


def _yaml(document: dict[str, Any]) -> str:
    import yaml  # noqa: PLC0415 - named lazy-import place: only where files are written

    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
