"""Parameters on the command line: ``-p key=value`` as often as needed, ``--params`` as JSON."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, cast

from cyclopts import Parameter

from headgate.cli.failures import CommandError, ExitCode

ParameterOption = Annotated[
    list[str] | None,
    Parameter(
        name=("--param", "-p"),
        help="a parameter as key=value; JSON values are read as JSON, others as text",
    ),
]
ParametersOption = Annotated[
    str | None, Parameter(name="--params", help="all parameters as one JSON object")
]


def read_parameters(pairs: Sequence[str] | None, *, document: str | None) -> dict[str, Any]:
    """Return the parameters; what ``pairs`` say wins over the document.

    Raises:
        CommandError: a pair has no ``=``, or the document is no JSON object.
    """
    values = _read_document(document) if document is not None else {}
    for pair in pairs or ():
        name, separator, text = pair.partition("=")
        if not separator or not name:
            message = f"The parameter {pair!r} does not have the form key=value"
            raise CommandError(message, code=ExitCode.USAGE, hints=["For example: -p count=3"])
        values[name] = read_value(text)
    return values


def read_value(text: str) -> Any:
    """Return a value as JSON where it is JSON, else as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _read_document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError as error:
        message = f"--params is not JSON: {error}"
        raise CommandError(message, code=ExitCode.USAGE) from error
    if not isinstance(document, dict):
        message = f"--params must be a JSON object, not {text!r}"
        raise CommandError(message, code=ExitCode.USAGE, hints=["""For example: '{"count": 3}'"""])
    return cast("dict[str, Any]", document)
