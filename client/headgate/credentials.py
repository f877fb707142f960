"""Keys that logging in brought, in ``$HEADGATE_HOME/credentials.json``, for their owner only.

They are kept apart from the profiles, which people show and copy. A key goes to the server that
gave it, and to no other.
"""

import json
import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

from headgate.errors import SettingsError
from headgate.home_locks import locked

FILE_NAME = "credentials.json"


@dataclass(frozen=True, slots=True)
class Credential:
    """The key of one profile.

    Args:
        api_url: the server that gave it.
        api_key: the token.
        key_id: the key's id, where logging in made it; None for one that was handed in.
        expires_at: when it ends, as the server said it.
    """

    api_url: str
    api_key: str = field(repr=False)
    key_id: str | None = None
    expires_at: str | None = None


def find_credential(home: Path, *, profile: str) -> Credential | None:
    """Return the key of a profile.

    Raises:
        SettingsError: the file is broken, or others may read it.
    """
    return _read(home).get(profile)


def store_credential(home: Path, *, profile: str, credential: Credential) -> None:
    """Keep the key of a profile, in place of the one before.

    Raises:
        SettingsError: the file is broken, or others may read it.
    """
    with locked(home):
        _write(home, {**_read(home), profile: credential})


def delete_credential(home: Path, *, profile: str) -> None:
    """Forget the key of a profile, if there is one.

    Raises:
        SettingsError: the file is broken, or others may read it.
    """
    with locked(home):
        stored = _read(home)
        if profile in stored:
            _write(home, {name: one for name, one in stored.items() if name != profile})


def _read(home: Path) -> dict[str, Credential]:
    path = home / FILE_NAME
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read()
    except FileNotFoundError:
        return {}
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        message = f"Others may read {path}: run `chmod 600 {path}`, or delete it and log in again"
        raise SettingsError(message)
    try:
        document: Any = json.loads(text)
        return {
            name: Credential(**one) for name, one in cast("Mapping[str, Any]", document).items()
        }
    except (ValueError, TypeError, AttributeError):
        message = f"{path} is broken: delete it, and log in again"
        raise SettingsError(message) from None


def _write(home: Path, stored: Mapping[str, Credential]) -> None:
    """Replace the file in one step, so that a reader sees the old one or the new one."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    # mkstemp makes the file 0600, which the rename keeps.
    handle, temporary = tempfile.mkstemp(dir=home, prefix=f".{FILE_NAME}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({name: asdict(one) for name, one in sorted(stored.items())}, file, indent=2)
    Path(temporary).replace(home / FILE_NAME)
