"""Profiles: named sets of settings in ``$HEADGATE_HOME/profiles.toml``, for their owner only."""

import json
import os
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from headgate.errors import ProfileNotFoundError, SettingsError
from headgate.home_locks import locked

FILE_NAME = "profiles.toml"
KEYS = ("api_url", "api_key", "workspace", "log_level")
"""What a profile may hold; each is the setting HEADGATE_<KEY>."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One named set of settings."""

    name: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ProfileSet:
    """All profiles of one home folder, and which one is active."""

    active: str | None = None
    profiles: Mapping[str, Profile] = field(default_factory=dict[str, Profile])


def read_profiles(home: Path) -> ProfileSet:
    """Read the profiles; an absent file is an empty set.

    Raises:
        SettingsError: the file is not the TOML it should be.
    """
    path = home / FILE_NAME
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ProfileSet()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path} is not valid TOML: {error}"
        raise SettingsError(message) from error
    tables: Any = document.get("profiles", {})
    if not isinstance(tables, dict):
        message = f"{path}: [profiles] must be a table"
        raise SettingsError(message)
    profiles = {
        name: Profile(name, _checked_values(path, name=name, table=table))
        for name, table in cast("dict[str, Any]", tables).items()
    }
    active = document.get("active")
    return ProfileSet(active=str(active) if active else None, profiles=profiles)


def list_profiles(home: Path) -> list[Profile]:
    """Return every profile by name."""
    profiles = read_profiles(home).profiles
    return [profiles[name] for name in sorted(profiles)]


def get_profile(home: Path, *, name: str) -> Profile:
    """Return one profile.

    Raises:
        ProfileNotFoundError: there is none of this name.
    """
    profile = read_profiles(home).profiles.get(name)
    if profile is None:
        message = f"There is no profile {name!r}; `headgate profiles list` shows those that exist"
        raise ProfileNotFoundError(message)
    return profile


def find_active_profile(home: Path) -> Profile | None:
    """Return the active profile; None when none was chosen or it was deleted by hand."""
    stored = read_profiles(home)
    return stored.profiles.get(stored.active) if stored.active else None


def create_profile(home: Path, *, name: str, values: Mapping[str, str]) -> Profile:
    """Store a new profile; the first of a home becomes the active one.

    Raises:
        SettingsError: the name is taken or a key is unknown.
    """
    profile = Profile(name, _checked_values(home / FILE_NAME, name=name, table=dict(values)))
    with locked(home):
        stored = read_profiles(home)
        if name in stored.profiles:
            message = f"Profile {name!r} exists already; `headgate profiles set` changes it"
            raise SettingsError(message)
        _write(home, ProfileSet(stored.active or name, {**stored.profiles, name: profile}))
    return profile


def use_profile(home: Path, *, name: str) -> Profile:
    """Make a profile the active one.

    Raises:
        ProfileNotFoundError: there is none of this name.
    """
    with locked(home):
        profile = get_profile(home, name=name)
        _write(home, ProfileSet(name, read_profiles(home).profiles))
    return profile


def set_values(home: Path, *, name: str, values: Mapping[str, str | None]) -> Profile:
    """Change some values of a profile; None removes one.

    Raises:
        ProfileNotFoundError: there is none of this name.
        SettingsError: a key is unknown.
    """
    with locked(home):
        merged: dict[str, str | None] = {**get_profile(home, name=name).values, **values}
        table = {key: value for key, value in merged.items() if value is not None}
        profile = Profile(name, _checked_values(home / FILE_NAME, name=name, table=table))
        stored = read_profiles(home)
        _write(home, ProfileSet(stored.active, {**stored.profiles, name: profile}))
    return profile


def delete_profile(home: Path, *, name: str) -> None:
    """Remove a profile; if it was active, none is afterwards.

    Raises:
        ProfileNotFoundError: there is none of this name.
    """
    with locked(home):
        get_profile(home, name=name)
        stored = read_profiles(home)
        rest = {other: profile for other, profile in stored.profiles.items() if other != name}
        _write(home, ProfileSet(None if stored.active == name else stored.active, rest))


def _checked_values(path: Path, *, name: str, table: Any) -> dict[str, str]:
    if not isinstance(table, dict):
        message = f"{path}: profile {name!r} must be a table"
        raise SettingsError(message)
    values = cast("dict[str, Any]", table)
    unknown = sorted(set(values) - set(KEYS))
    if unknown:
        message = f"{path}: profile {name!r} has unknown keys {unknown}; known are {list(KEYS)}"
        raise SettingsError(message)
    return {key: str(value) for key, value in values.items()}


def _write(home: Path, stored: ProfileSet) -> None:
    """Replace the file in one step, so that a reader sees the old one or the new one."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    lines: list[str] = []
    if stored.active:
        lines.append(f"active = {_quoted(stored.active)}")
    for name in sorted(stored.profiles):
        lines.append(f"\n[profiles.{_quoted(name)}]")
        lines += [
            f"{key} = {_quoted(value)}" for key, value in stored.profiles[name].values.items()
        ]
    # mkstemp makes the file 0600, which the rename keeps.
    handle, temporary = tempfile.mkstemp(dir=home, prefix=f".{FILE_NAME}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    Path(temporary).replace(home / FILE_NAME)


def _quoted(text: str) -> str:
    # A JSON string is a TOML basic string, but for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
