"""Secrets that this process has read are not stored where others would read them."""

import json
from typing import Any

from headgate.errors import ParameterError
from headgate.redaction import redactor


def check_stored(document: str, *, what: str, where: str, instead: str) -> None:
    """Go on only if no secret is in a text that others may read once it is stored.

    Args:
        document: the text.
        what: names it; the message begins with it.
        where: with what it would be stored.
        instead: what to do.

    Raises:
        ParameterError: a secret that this process has read is in it.
    """
    if redactor.redact(document) != document:
        message = f"{what} has a secret in it, which would be stored with {where}; {instead}"
        raise ParameterError(message)


def as_text(value: Any) -> str:
    """Return a value as JSON to look for secrets in, also one that the API would refuse."""
    return json.dumps(value, default=str, ensure_ascii=False, skipkeys=True)
