"""``headgate api``: one GraphQL document, sent as it is."""

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from headgate.api.transport import SyncTransport, Transport
from headgate.cli.connection import PATIENCE_SECONDS
from headgate.cli.failures import CommandError, ExitCode
from headgate.cli.output import DocumentFormat, write_document
from headgate.cli.parameters import read_parameters
from headgate.settings import load_settings


def api(
    query: Annotated[str | None, Parameter(help="a query or mutation")] = None,
    /,
    *,
    file: Annotated[
        Path | None,
        Parameter(
            name=("--file", "-f"),
            allow_leading_hyphen=True,
            help="where it is; - is standard input",
        ),
    ] = None,
    variable: Annotated[
        list[str] | None,
        Parameter(name=("--variable", "-F"), help="name=value, read as JSON where it is JSON"),
    ] = None,
    variables: Annotated[str | None, Parameter(help="all variables as one JSON object")] = None,
    operation: Annotated[
        str | None, Parameter(help="which, where the document has several")
    ] = None,
    output: Annotated[
        DocumentFormat, Parameter(name=("--output", "-o"), help="json or yaml")
    ] = "json",
) -> None:
    """Send a GraphQL document with your own rights, and print its data.

    For example: headgate api '{ viewer { __typename } }'
    """
    text = _document(query, file)
    chosen = operation or _only_operation(text)
    given = read_parameters(variable, document=variables)
    settings = load_settings()
    deadline = min(PATIENCE_SECONDS, settings.request_deadline_seconds)
    transport = SyncTransport(
        settings.require_api_url(), settings.api_key, deadline_seconds=deadline
    )
    try:
        data = transport.call(_send, text, given, operation=chosen)
    finally:
        transport.close()
    write_document(data, output)


async def _send(
    transport: Transport, text: str, variables: dict[str, Any], *, operation: str | None
) -> dict[str, Any]:
    return await transport.execute(text, variables, operation=operation)


def _only_operation(text: str) -> str | None:
    """Return the name of the document's operation; None where it has none.

    Raises:
        CommandError: it is no GraphQL, or has several operations, or one that goes on.
    """
    import graphql  # noqa: PLC0415 - named lazy-import place: only where there is a document

    try:
        parsed = graphql.parse(text, no_location=True)
    except graphql.GraphQLSyntaxError as error:
        message = f"The document is no GraphQL: {error.message}"
        raise CommandError(message, code=ExitCode.USAGE) from error
    found = [one for one in parsed.definitions if isinstance(one, graphql.OperationDefinitionNode)]
    names = [one.name.value if one.name else "" for one in found]
    if len(found) != 1:
        hints = [f"Say --operation and one of: {', '.join(names)}."] if found else []
        message = f"The document has {len(found)} operations"
        raise CommandError(message, code=ExitCode.USAGE, hints=hints)
    if found[0].operation == graphql.OperationType.SUBSCRIPTION:
        message = "A subscription goes on, and this command ends with its answer"
        hints = ["`headgate flow-runs watch` and `headgate events watch` follow what happens."]
        raise CommandError(message, code=ExitCode.USAGE, hints=hints)
    return names[0] or None


def _document(query: str | None, file: Path | None) -> str:
    """Return the document that the arguments name.

    Raises:
        CommandError: there is none, or two.
    """
    if (query is None) == (file is None):
        raise CommandError(
            "Give one GraphQL document",
            code=ExitCode.USAGE,
            hints=["As an argument, with --file PATH, or with --file - from standard input."],
        )
    if str(file) == "-":
        return sys.stdin.read()
    if file is not None:
        try:
            return file.read_text(encoding="utf-8")
        except OSError as error:
            message = f"{file} cannot be read: {error.strerror}"
            raise CommandError(message, code=ExitCode.USAGE) from error
    return str(query)
