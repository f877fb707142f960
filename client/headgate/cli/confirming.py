"""Asks before something is gone for good: on a terminal; elsewhere --yes must say it."""

import sys
from typing import Annotated

from cyclopts import Parameter

from headgate.cli.failures import CommandError, ExitCode

YesOption = Annotated[bool, Parameter(name=("--yes", "-y"), negative="", help="do not ask")]


def confirm(what: str, *, is_sure: bool) -> None:
    """Return if it may be done.

    Raises:
        CommandError: the answer is no, or there is nobody to ask.
    """
    if is_sure:
        return
    if not sys.stdin.isatty():
        raise CommandError(
            f"{what}: there is nobody to ask",
            code=ExitCode.USAGE,
            hints=["Add --yes if you are sure."],
        )
    sys.stderr.write(f"{what}? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        message = "Nothing was changed"
        raise CommandError(message)
