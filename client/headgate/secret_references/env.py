"""Secrets in the environment of the agent: only the variables that its operator allowed."""

import os
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from headgate.errors import SecretNotFoundError, SecretRefusedError
from headgate.secret_references.places import EnvPlace
from headgate.secret_references.reading import as_place
from headgate.settings import Settings

OURS = "HEADGATE_"
"""What Headgate's own variables begin with: keys among them, so nobody can allow them."""


async def find(place: Mapping[str, Any], settings: Settings) -> str:
    """Return what a variable of the environment holds.

    Raises:
        SecretRefusedError: the operator has not allowed this name.
        SecretNotFoundError: it is not set.
    """
    name = as_place(place, kind=EnvPlace).name
    if name.upper().startswith(OURS):
        message = f"the variable {name} is Headgate's own, and no block reads it"
        raise SecretRefusedError(message)
    if not any(fnmatchcase(name, pattern) for pattern in settings.secret_env):
        message = (
            f"blocks may not read the variable {name} here; whoever operates this agent allows "
            f"it with HEADGATE_SECRET_ENV={name}"
        )
        raise SecretRefusedError(message)
    value = os.environ.get(name)
    if value is None:
        message = f"the variable {name} is not set here"
        raise SecretNotFoundError(message)
    return value
