"""``headgate task``: serve."""

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from headgate.background_tasks.serving import serve
from headgate.cli.failures import CommandError, ExitCode
from headgate.engine.entrypoints import load_tasks
from headgate.errors import EntrypointError
from headgate.texts import error_text


def serve_tasks(
    *entrypoints: Annotated[
        str, Parameter(help="path/file.py:task, or path/file.py for all of its tasks")
    ],
    limit: Annotated[
        int,
        Parameter(help="how many calls at once, at most 1000", validator=Number(gte=1, lte=1000)),
    ] = 10,
    grace: Annotated[
        float, Parameter(help="seconds that calls may go on once it is told to end")
    ] = 30.0,
) -> None:
    """Run calls that were queued with `delay`, until SIGINT or SIGTERM.

    A first signal lets what runs end; what does not end in time, or at a second signal, is given
    back, and another worker runs it.
    """
    tasks = [task for entrypoint in entrypoints for task in _load(entrypoint)]
    if not tasks:
        message = "Name what to serve: path/file.py:task"
        raise CommandError(message, code=ExitCode.USAGE)
    try:
        serve(*tasks, limit=limit, grace_seconds=grace)
    except ValueError as error:
        raise CommandError(str(error), code=ExitCode.USAGE) from error


def _load(entrypoint: str) -> list[object]:
    try:
        return load_tasks(entrypoint)
    except EntrypointError as error:
        hints = ["The form is path/file.py:task, from the current folder."]
        raise CommandError(str(error), code=ExitCode.USAGE, hints=hints) from error
    except Exception as error:
        message = f"{entrypoint} could not be imported: {error_text(error)}"
        hints = ["Run the command again with --debug to see the traceback."]
        raise CommandError(message, hints=hints) from error
