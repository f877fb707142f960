"""What a block is filled in with on the command line; secrets are asked for, or piped."""

import getpass
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from headgate.api.blocks import split_path
from headgate.cli.failures import CommandError, ExitCode
from headgate.cli.parameters import read_value
from headgate.secret_references.resolving import KEY

STDIN = Path("-")


def read_data(
    pairs: Sequence[str], *, file: Path | None, secret_paths: Sequence[str]
) -> dict[str, Any]:
    """Return the fields of a block; what ``pairs`` say wins over the file.

    Raises:
        CommandError: the file or a pair cannot be read, or a pair has a secret.
    """
    data = _read_file(file) if file is not None else {}
    for pair in pairs:
        name, separator, text = pair.partition("=")
        if not separator or not name:
            # What stands there may be a secret without its name: it is not repeated.
            message = "A field does not have the form key=value"
            raise CommandError(message, code=ExitCode.USAGE, hints=["For example: --field port=1"])
        value = read_value(text)
        if _is_secret(name, secret_paths) and not _is_reference(value):
            raise CommandError(
                f"{name} is a secret, and arguments are seen by others",
                code=ExitCode.USAGE,
                hints=[
                    f"Say --secret {name}, and pipe it in or be asked for it.",
                    "Name one in a store of your own as "
                    f"""--field '{name}={{"{KEY}": {{"provider": "env", "name": "X"}}}}'.""",
                ],
            )
        _put(data, name, value)
    return data


def read_secrets(
    data: dict[str, Any],
    names: Sequence[str],
    *,
    secret_paths: Sequence[str],
    is_stdin_free: bool,
) -> None:
    """Put secrets into the fields of a block: asked for on a terminal, else read from a pipe.

    One secret is all that comes, several are a line each.

    Raises:
        CommandError: no such secret, or nowhere to read it from.
    """
    for name in names:
        if not _is_secret(name, secret_paths):
            known = ", ".join(secret_paths) or "none"
            message = f"{name} is no secret of this type; its secrets are: {known}"
            raise CommandError(message, code=ExitCode.USAGE)
    if not names:
        return
    if not is_stdin_free:
        message = "The file and the secrets cannot both be read from standard input"
        raise CommandError(message, code=ExitCode.USAGE)
    values = _asked(names) if sys.stdin.isatty() else _piped(names)
    for name, value in zip(names, values, strict=True):
        _put(data, name, value)


def _asked(names: Sequence[str]) -> list[str]:
    return [getpass.getpass(f"{name}: ", stream=sys.stderr) for name in names]


def _piped(names: Sequence[str]) -> list[str]:
    text = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    values = [text] if len(names) == 1 else text.splitlines()
    if len(values) != len(names) or not all(values):
        raise CommandError(
            f"{len(names)} secrets are wanted, and standard input does not have a line for each",
            code=ExitCode.USAGE,
            hints=[f"In this order: {', '.join(names)}."],
        )
    return values


def _read_file(file: Path) -> dict[str, Any]:
    import yaml  # noqa: PLC0415 - named lazy-import place: yaml

    try:
        document = yaml.safe_load(sys.stdin if file == STDIN else file.read_text("utf-8"))
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}"
        raise CommandError(message, code=ExitCode.NOT_FOUND) from error
    except (yaml.YAMLError, UnicodeDecodeError):
        # The error quotes the line that it stumbles over, which may have a secret.
        document = None
    if not isinstance(document, dict):
        message = f"{'Standard input' if file == STDIN else file} holds no object of JSON or YAML"
        raise CommandError(message, code=ExitCode.USAGE)
    return cast("dict[str, Any]", document)


def _put(data: dict[str, Any], path: str, value: Any) -> None:
    *above, last = split_path(path)
    for part in above:
        below = data.setdefault(part, {})
        if not isinstance(below, dict):
            message = f"{path} leads through {part}, which is no object"
            raise CommandError(message, code=ExitCode.USAGE)
        data = cast("dict[str, Any]", below)
    data[last] = value


def _is_secret(path: str, secret_paths: Sequence[str]) -> bool:
    parts = split_path(path)
    return any(
        len(pattern) <= len(parts)
        and all(wanted in ("*", part) for wanted, part in zip(pattern, parts, strict=False))
        for pattern in map(split_path, secret_paths)
    )


def _is_reference(value: Any) -> bool:
    return isinstance(value, dict) and cast("dict[str, Any]", value).keys() == {KEY}
