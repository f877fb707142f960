"""What goes wrong on the command line: exit codes, and errors that say what to do next."""

import difflib
import re
import sys
from collections.abc import Iterable, Sequence
from enum import IntEnum

from headgate import errors
from headgate.texts import visible

NEARLY_SAME = 0.8
"""How alike two names are of which one is a slip of the other."""


class ExitCode(IntEnum):
    """How a command ends; scripts rely on these numbers."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    NOT_ALLOWED = 3
    NOT_FOUND = 4
    CONFLICT = 5
    NETWORK = 6
    RUN_FAILED = 7
    INTERRUPTED = 130


class CommandError(errors.HeadgateError):
    """A command cannot do what it was asked; the hints say how it could.

    Args:
        hints: more about the cause, or the next command to type.
    """

    def __init__(
        self, message: str, *, code: ExitCode = ExitCode.FAILURE, hints: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.code = code
        self.hints = tuple(hints)


_CODES: tuple[tuple[type[errors.HeadgateError], ExitCode], ...] = (
    (errors.UnauthenticatedError, ExitCode.NOT_ALLOWED),
    (errors.ForbiddenError, ExitCode.NOT_ALLOWED),
    (errors.NotFoundError, ExitCode.NOT_FOUND),
    (errors.ProfileNotFoundError, ExitCode.NOT_FOUND),
    (errors.ConflictError, ExitCode.CONFLICT),
    (errors.VersionConflictError, ExitCode.CONFLICT),
    (errors.IllegalTransitionError, ExitCode.CONFLICT),
    (errors.IdempotencyMismatchError, ExitCode.CONFLICT),
    (errors.RetryableApiError, ExitCode.NETWORK),
    (errors.SettingsError, ExitCode.USAGE),
    (errors.InvalidInputError, ExitCode.USAGE),
    (errors.ParameterError, ExitCode.USAGE),
    (errors.EntrypointError, ExitCode.USAGE),
)

_HINTS: tuple[tuple[type[errors.HeadgateError], str], ...] = (
    (
        errors.UnauthenticatedError,
        "Log in with `headgate login`, or check HEADGATE_API_KEY.",
    ),
    (
        errors.RetryableApiError,
        "Is it running? Check HEADGATE_API_URL, or the profile's api_url, and the network.",
    ),
    (errors.BadRequestError, "Client and server may not fit together: compare `headgate status`."),
    (errors.ServerFaultError, "The server's log holds the cause under the error id."),
)

_REFUSED_VALUE = re.compile(
    r"Variable '\$(?P<name>\w+)' has invalid value(?: at \.?(?P<path>\S+))?: "
    r"(?P<why>An? [A-Z]\w+ (?:has|is) .*)",
    re.DOTALL,
)
"""What a scalar of the API says of a value; where types do not fit, the words are others."""

NO_SERVER_HINT = (
    "Log in with `headgate login --api-url URL`, or set HEADGATE_API_URL, HEADGATE_API_KEY and "
    "HEADGATE_WORKSPACE."
)


def exit_code_of(error: errors.HeadgateError) -> ExitCode:
    """Return the exit code that stands for an error."""
    if isinstance(error, CommandError):
        return error.code
    if _refused_value(error):
        return ExitCode.USAGE
    return next((code for kind, code in _CODES if isinstance(error, kind)), ExitCode.FAILURE)


def words_of(error: errors.HeadgateError) -> str:
    """Return what an error says, in the words of who types a command."""
    value = _refused_value(error)
    if value is None:
        return str(error)
    return f"{value['path'] or value['name']} has an invalid value: {value['why']}"


def _refused_value(error: errors.HeadgateError) -> re.Match[str] | None:
    """Return what the server says of a value that it takes for wrong, not of an unknown type."""
    is_ours = isinstance(error, errors.BadRequestError)
    return _REFUSED_VALUE.match(error.message) if is_ours else None


def hints_of(error: errors.HeadgateError) -> list[str]:
    """Return what the reader can do about an error, most useful first."""
    if isinstance(error, CommandError):
        return list(error.hints)
    if isinstance(error, errors.ForbiddenError):
        missing = ", ".join(error.facts.get("missingScopes") or ())
        return [f"The key lacks {missing or 'a scope'}; ask for a key that has it."]
    if _refused_value(error):
        return []
    if isinstance(error, errors.SettingsError) and "No server is configured" in str(error):
        return [NO_SERVER_HINT]
    return [hint for kind, hint in _HINTS if isinstance(error, kind)]


def complain(message: str, *, hints: Iterable[str] = ()) -> None:
    """Say on standard error what is wrong and what to do next."""
    is_coloured = sys.stderr.isatty()
    label = "\x1b[1;31merror:\x1b[0m" if is_coloured else "error:"
    sys.stderr.write(f"{label} {visible(message)}\n")
    for hint in hints:
        sys.stderr.write(f"  {visible(hint)}\n")


def near_names(name: str, *, known: Iterable[str], listing: str) -> list[str]:
    """Return hints for a name that does not exist: what was probably meant, and where to look.

    Capitals do not matter.
    """
    candidates = sorted(set(known))
    folded = {candidate.casefold(): candidate for candidate in candidates}
    wanted = name.casefold()
    near = difflib.get_close_matches(wanted, folded, n=3, cutoff=NEARLY_SAME)
    close = [folded[one] for one in near]
    if not close:
        # Of flow/deployment, somebody may have typed only the second part, or another flow.
        close = [
            candidate
            for key, candidate in folded.items()
            if difflib.get_close_matches(wanted, [key, key.rpartition("/")[2]], cutoff=0.5)
        ]
    meant = [f"Did you mean {' or '.join(close[:3])}?"] if close else []
    return [*meant, f"`{listing}` shows what there is."]
