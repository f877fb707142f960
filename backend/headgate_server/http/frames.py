"""The shape of what a client sends over a socket, before anything is done with it."""

from typing import cast


def fault_of(message: object) -> str | None:
    """Return what is wrong with the shape of a graphql-transport-ws message; None if nothing is.

    Source: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
    """
    if not isinstance(message, dict):
        return "A message is a JSON object"
    fields = cast("dict[str, object]", message)
    if not isinstance(fields.get("type"), str):
        return "A message has a type"
    if fields["type"] not in {"subscribe", "complete"}:
        return None
    if not isinstance(fields.get("id"), str) or not fields["id"]:
        return "An operation has an id, a string"
    return _fault_of_operation(fields.get("payload")) if fields["type"] == "subscribe" else None


def _fault_of_operation(payload: object) -> str | None:
    if not isinstance(payload, dict):
        return "The payload of subscribe is an object"
    fields = cast("dict[str, object]", payload)
    if not isinstance(fields.get("query"), str) or not fields["query"]:
        return "The payload needs a query: one GraphQL document as a string"
    if not isinstance(fields.get("variables"), dict | None):
        return "variables is an object or null"
    if not isinstance(fields.get("operationName"), str | None):
        return "operationName is a string or null"
    return None
