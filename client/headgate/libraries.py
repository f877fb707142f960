"""Libraries that some blocks need: imported when first used, each by an extra of its own."""

import importlib
from typing import Any

from headgate.errors import MissingExtraError


def library(name: str, *, extra: str) -> Any:
    """Return a module of a library that an extra brings.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        message = f'{name} is not installed here: pip install "headgate[{extra}]"'
        raise MissingExtraError(message, name=error.name) from error
