"""Opens Python's debugger where user code failed."""

import pdb
import sys

from headgate.cli.output import say
from headgate.reporting.failures import user_error
from headgate.texts import error_text


def open_debugger(error: BaseException) -> None:
    """Let a person look around at the line that failed, until they leave."""
    trace = user_error(error)[2]
    if trace is None:
        return
    say(f"{error_text(error)}\nThe debugger is at the line that failed; `q` leaves it.")
    debugger = pdb.Pdb(stdin=sys.stdin, stdout=sys.stderr)
    debugger.reset()
    debugger.interaction(None, trace)
