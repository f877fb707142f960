"""Finds the flow that a person named on the command line, and says what is wrong with the name."""

import ast
import sys
import traceback
from pathlib import Path
from typing import Any

from headgate.cli.failures import CommandError, ExitCode, near_names
from headgate.engine.entrypoints import load_flow
from headgate.errors import EntrypointError
from headgate.flows import Flow


def import_flow(entrypoint: str) -> Flow[..., Any]:
    """Import the flow that an entrypoint names; a file's only flow need not be named.

    Modules are looked for from the current folder, too, as ``python -m`` does.

    Raises:
        CommandError: there is no such file or flow, or its code fails when it is imported.
    """
    place, separator, _ = entrypoint.rpartition(":")
    is_dotted = not separator and "." in entrypoint and Path(entrypoint).suffix != ".py"
    if is_dotted:
        place, _, _ = entrypoint.rpartition(".")
    if not place.endswith(".py") and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    if not separator and not is_dotted:
        place, entrypoint = entrypoint, f"{entrypoint}:{_only_flow(entrypoint)}"
    try:
        return load_flow(entrypoint)
    except EntrypointError as error:
        hints = _flow_hints(place, wanted=entrypoint.rpartition(":")[2])
        raise CommandError(str(error), code=ExitCode.USAGE, hints=hints) from error
    except Exception as error:
        raise _import_failure(place, error) from error


def _only_flow(place: str) -> str:
    names = _flow_names(place)
    if len(names) == 1:
        return names[0]
    what = f"{len(names)} flows" if names else "no flow"
    hints = [f"Name one: {', '.join(f'{place}:{name}' for name in names)}"] if names else []
    raise CommandError(f"{place} holds {what}", code=ExitCode.USAGE, hints=hints)


def _flow_hints(place: str, *, wanted: str) -> list[str]:
    if not Path(place).is_file():
        return ["The form is path/file.py:flow, from the current folder."]
    names = _flow_names(place)
    if not names:
        return ["A flow is a function with the decorator @flow."]
    return near_names(wanted, known=names, listing=f"grep -n @flow {place}")


def _flow_names(place: str) -> list[str]:
    """Return the names of the functions that a file decorates as flows; its code is not run."""
    path = Path(place)
    if not path.is_file():
        message = f"There is no file {place}"
        hint = "The form is path/file.py:flow, from the current folder."
        raise CommandError(message, code=ExitCode.USAGE, hints=[hint])
    try:
        return _names_in(path)
    except (SyntaxError, ValueError) as error:
        raise _import_failure(place, error) from error


def flow_names(path: Path) -> list[str]:
    """Return the names of the flows of a file; none where it is no Python that can be read."""
    try:
        return _names_in(path)
    except (SyntaxError, ValueError, OSError):
        return []


def _names_in(path: Path) -> list[str]:
    tree = ast.parse(path.read_bytes())
    functions = [
        node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return [node.name for node in functions if any(map(_is_flow, node.decorator_list))]


def _is_flow(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (isinstance(called, ast.Name) and called.id == "flow") or (
        isinstance(called, ast.Attribute) and called.attr == "flow"
    )


def _import_failure(place: str, error: Exception) -> CommandError:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).name == Path(place).name]
    where = f" at line {own[-1].lineno}" if own else ""
    return CommandError(
        f"{place} could not be imported{where}: {type(error).__name__}: {error}",
        hints=["Run the command again with --debug to see the traceback."],
    )
