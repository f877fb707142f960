"""Secrets that lie in the customer's own store: found by the run itself, unknown to Headgate.

A field of a block may be ``{"$secret": {"provider": …}}`` in the place of a secret. Modules of
integrations add providers; each takes what stands there and returns the value.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from headgate.errors import BlockError
from headgate.redaction import redactor

KEY = "$secret"
Provider = Callable[[Mapping[str, Any]], Any]

_providers: dict[str, Provider] = {}


def add_provider(name: str, provider: Provider) -> None:
    """Let a function find the secrets of one kind of store."""
    _providers[name] = provider


def filled(document: Any) -> Any:
    """Return a document with the secrets of other stores in their places.

    Raises:
        BlockError: a store that no module of this process knows.
    """
    if isinstance(document, dict):
        entries = cast("dict[str, Any]", document)
        if entries.keys() == {KEY}:
            return _find(entries[KEY])
        return {name: filled(value) for name, value in entries.items()}
    if isinstance(document, list):
        return [filled(value) for value in cast("list[Any]", document)]
    return document


def _find(place: Mapping[str, Any]) -> Any:
    name = str(place.get("provider"))
    provider = _providers.get(name)
    if provider is None:
        known = ", ".join(sorted(_providers)) or "none"
        message = (
            f"No provider {name!r} of secrets here; import its integration (there is: {known})"
        )
        raise BlockError(message)
    value = provider(place)
    redactor.add(value)
    return value
