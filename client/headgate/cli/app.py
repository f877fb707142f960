"""The ``headgate`` command: takes the arguments apart, calls the verb, turns errors into words."""

import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from headgate.cli import tree
from headgate.cli.failures import CommandError, ExitCode, complain, exit_code_of, hints_of, words_of
from headgate.errors import HeadgateError
from headgate.version import VERSION

_PLACE_VARIABLES = ("HEADGATE_API_URL", "HEADGATE_API_KEY", "HEADGATE_WORKSPACE")
_HELP = (["--help"], ["-h"], ["help"])


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit with its code."""
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    is_debug = "--debug" in _before_separator(tokens)
    try:
        code = _run(tokens)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader has left, as `head` does; nothing is wrong, and nobody listens.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.OK
    except HeadgateError as error:
        if is_debug:
            traceback.print_exc()
        complain(words_of(error), hints=hints_of(error))
        code = exit_code_of(error)
    except Exception as error:  # noqa: BLE001 - the edge of the process: every error becomes words
        if is_debug:
            traceback.print_exc()
        hint = "" if is_debug else "Run the command again with --debug to see where."
        complain(f"{type(error).__name__}: {error}", hints=[hint] if hint else [])
        code = ExitCode.FAILURE
    sys.exit(code)


def _run(tokens: list[str]) -> int:
    rest = _take_global_options(tokens)
    text = _quick_answer(rest)
    if text is not None:
        sys.stdout.write(text)
        return ExitCode.OK
    # The parser takes 0.1 s to import: help and version do without.
    import headgate.cli.parsing  # noqa: PLC0415 - named lazy-import place

    return headgate.cli.parsing.run(rest)


def _quick_answer(words: list[str]) -> str | None:
    """Return the help of the whole command or of a noun, or the version, where that was asked."""
    if words == ["--version"]:
        return f"{VERSION}\n"
    if words in ([], *_HELP):
        return tree.help_text()
    noun = tree.find_noun(words[0])
    if noun is not None and words[1:] in ([], *_HELP):
        return tree.noun_help_text(noun)
    return None


def _take_global_options(tokens: list[str]) -> list[str]:
    """Apply --profile and --workspace to the environment and return the other arguments.

    Verbs may have a --workspace of their own: this one stands before the noun.
    """
    before = _before_separator(tokens)
    rest: list[str] = []
    profile: str | None = None
    workspace: str | None = None
    remaining = iter(before)
    for word in remaining:
        name, has_value, value = word.partition("=")
        if name == "--profile":
            profile = value if has_value else next(remaining, "")
        elif name == "--workspace" and not rest:
            workspace = value if has_value else next(remaining, "")
        elif word != "--debug":
            rest.append(word)
    if profile == "":
        message = "--profile needs a name"
        raise CommandError(message, code=ExitCode.USAGE, hints=["`headgate profiles list`"])
    if profile is not None:
        # What was asked for on the command line wins over the environment.
        for variable in _PLACE_VARIABLES:
            os.environ.pop(variable, None)
        os.environ["HEADGATE_PROFILE"] = profile
    if workspace is not None:
        os.environ["HEADGATE_WORKSPACE"] = workspace
    return rest + tokens[len(before) :]


def _before_separator(tokens: list[str]) -> list[str]:
    return tokens[: tokens.index("--")] if "--" in tokens else tokens
