"""``headgate schema``: what the server's GraphQL API takes and answers."""

import sys
from typing import Any, cast

from headgate.api.transport import SyncTransport
from headgate.cli.connection import PATIENCE_SECONDS
from headgate.settings import load_settings


def schema() -> None:
    """Print the schema of the server's GraphQL API, as its definition language writes it."""
    from graphql import (  # noqa: PLC0415 - named lazy-import place: only where a schema is read
        build_client_schema,
        get_introspection_query,
        print_schema,
    )

    settings = load_settings()
    transport = SyncTransport(
        settings.require_api_url(),
        settings.api_key,
        deadline_seconds=min(PATIENCE_SECONDS, settings.request_deadline_seconds),
    )
    try:
        found = transport.execute(get_introspection_query(), {}, operation="IntrospectionQuery")
    finally:
        transport.close()
    sys.stdout.write(print_schema(build_client_schema(cast("Any", found))) + "\n")
