"""Loads what a job names: runs its pull steps, imports its entrypoint."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from headgate.engine.named_steps import run_steps
from headgate.errors import EntrypointError
from headgate.specs import FlowSpec, TaskSpec


def run_pull_steps(
    steps: Sequence[Mapping[str, Mapping[str, Any] | None]],
    *,
    fill: Callable[[Any], Any] | None = None,
) -> None:
    """Call each step's function with its inputs, in order, and work where the last one says.

    Args:
        fill: puts blocks in the place of their names.

    Raises:
        EntrypointError: a step names no function.
    """
    directory = run_steps(steps, fill=fill).get("directory")
    if isinstance(directory, str) and Path(directory).is_dir():
        os.chdir(directory)


def load_flow(entrypoint: str) -> Any:
    """Import the flow that an entrypoint names.

    It is ``path/file.py:flow``, ``package.module:flow`` or ``package.module.flow``. A file's folder
    is put on the import path, as Python does for a script. A file that was imported before is read
    again: it may have changed.

    Raises:
        EntrypointError: the entrypoint is malformed, or names no flow.
    """
    place, separator, attribute = entrypoint.rpartition(":")
    if not separator and not entrypoint.endswith(".py"):
        place, separator, attribute = entrypoint.rpartition(".")
    if not (place and separator and attribute):
        message = f"The entrypoint {entrypoint!r} does not have the form path/file.py:flow"
        raise EntrypointError(message)
    found: Any = _load_place(place)
    for part in attribute.split("."):
        found = getattr(found, part, None)
    if not isinstance(getattr(found, "spec", None), FlowSpec):
        message = f"{attribute!r} in {place} is not a flow; decorate it with @flow"
        raise EntrypointError(message)
    return found


def load_flow_from_entrypoint(
    entrypoint: str,
    use_placeholder_flow: bool = True,  # noqa: FBT001, FBT002 - the shape that Prefect's users know
) -> Any:
    """Do as ``load_flow`` does; a flow whose file does not import is an error, whatever is said."""
    del use_placeholder_flow
    return load_flow(entrypoint)


def load_tasks(entrypoint: str) -> list[Any]:
    """Import the task that ``path/file.py:task`` names, or all that a file or module defines.

    Raises:
        EntrypointError: it names no task, or there is none.
    """
    place, separator, attribute = entrypoint.rpartition(":")
    if not separator:
        place = entrypoint
    module = _load_place(place)
    if separator:
        found: list[Any] = [getattr(module, attribute, None)]
    else:
        # Each once, whatever it is called; what is imported from elsewhere is served there.
        found = list({id(each): each for each in vars(module).values()}.values())
        found = [each for each in found if getattr(each, "__module__", None) == module.__name__]
    tasks = [each for each in found if isinstance(getattr(each, "spec", None), TaskSpec)]
    if not tasks:
        what = f"{attribute!r} in {place} is not a task" if separator else f"{place} has no tasks"
        message = f"{what}; decorate a function with @task"
        raise EntrypointError(message)
    return tasks


def _load_place(place: str) -> ModuleType:
    return load_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)


def load_file(path: Path) -> ModuleType:
    """Import a Python file as a script's folder would have it; again where it was before.

    Raises:
        EntrypointError: there is no such file.
    """
    path = path.resolve()
    if not path.is_file():
        message = f"There is no file {path}"
        raise EntrypointError(message)
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    name = path.stem
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) != str(path):
        # Another module has the name: the flow's file gets one that nobody imports.
        name = f"headgate_flow_{name}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        message = f"{path} cannot be imported"
        raise EntrypointError(message)
    module = importlib.util.module_from_spec(spec)
    # Registered before it runs: dataclasses and pickles look their module up by name.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
