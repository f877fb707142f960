"""Secrets in files of the agent's machine: only below the folders that its operator allowed."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headgate.errors import (
    InvalidSecretReferenceError,
    SecretNotFoundError,
    SecretReferenceError,
    SecretRefusedError,
)
from headgate.secret_references.places import FilePlace
from headgate.secret_references.reading import as_place
from headgate.settings import Settings

MOST_BYTES = 64 * 1024 + 1
"""One more than a secret may have: so that an over-long one is noticed."""


async def find(place: Mapping[str, Any], settings: Settings) -> bytes:
    """Return what a file holds, without the line break at its end.

    Links are followed, but not out of the folder; the home folder of Headgate is nobody's.

    Raises:
        SecretRefusedError: it is not below a folder that the operator allowed.
        SecretNotFoundError: there is no such file.
    """
    path = as_place(place, kind=FilePlace).path
    if not path or "\0" in path:
        message = "the reference names no file"
        raise InvalidSecretReferenceError(message)
    return await asyncio.to_thread(_read, path, settings)


def _read(path: str, settings: Settings) -> bytes:
    home = settings.home.resolve()
    allowed = False
    for folder in (folder.resolve() for folder in settings.secret_folders):
        try:
            file = (folder / path).resolve()
        except (OSError, RuntimeError):
            continue
        if not file.is_relative_to(folder) or file.is_relative_to(home):
            continue
        allowed = True
        if file.is_file():
            return _content(file, path)
    if not allowed:
        message = (
            f"blocks may not read the file {path} here; whoever operates this agent allows its "
            "folder with HEADGATE_SECRET_FOLDERS"
        )
        raise SecretRefusedError(message)
    message = f"there is no file {path} here"
    raise SecretNotFoundError(message)


def _content(file: Path, path: str) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES)
    except OSError as error:
        message = f"the file {path} cannot be read: {error.strerror}"
        raise SecretReferenceError(message) from None
    return content.removesuffix(b"\n").removesuffix(b"\r")
