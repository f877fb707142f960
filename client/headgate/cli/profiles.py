"""``headgate profiles``: list, create, use, inspect, set, delete."""

import os
import sys
from typing import Annotated

import msgspec
from cyclopts import Parameter

from headgate import credentials, profiles
from headgate.cli import own_keys
from headgate.cli.failures import CommandError, ExitCode, near_names
from headgate.cli.output import Columns, Format, OutputOption, say, show_item, show_list
from headgate.errors import ProfileNotFoundError
from headgate.profiles import Profile
from headgate.settings import home_folder

SHOWN_KEY_CHARACTERS = 12

ProfileName = Annotated[str, Parameter(help="its name")]
UrlOption = Annotated[str | None, Parameter(name="--api-url", help="the server's address")]
KeyOption = Annotated[
    str | None,
    Parameter(
        name="--api-key",
        help="an API key; - reads it from standard input",
        allow_leading_hyphen=True,
    ),
]
WorkspaceOption = Annotated[
    str | None, Parameter(name="--workspace", help="organization/workspace")
]
LevelOption = Annotated[str | None, Parameter(name="--log-level", help="DEBUG, INFO, WARNING, …")]


class ProfileRow(msgspec.Struct, frozen=True):
    """A profile as it is shown: the key is cut."""

    name: str
    active: bool
    api_url: str | None
    api_key: str | None
    workspace: str | None
    log_level: str | None


def list_profiles(*, output: OutputOption = "table") -> None:
    """List profiles; the active one is the one that every command uses."""
    home = home_folder(os.environ)
    active = profiles.read_profiles(home).active
    rows = [_row(profile, active=active) for profile in profiles.list_profiles(home)]
    columns: Columns[ProfileRow] = {
        "name": lambda row: row.name,
        "active": lambda row: row.active,
        "api_url": lambda row: row.api_url,
        "workspace": lambda row: row.workspace,
        "api_key": lambda row: row.api_key,
    }
    show_list(rows, columns=columns, output=output)


def create_profile(
    name: ProfileName,
    /,
    *,
    api_url: UrlOption = None,
    api_key: KeyOption = None,
    workspace: WorkspaceOption = None,
    log_level: LevelOption = None,
    output: OutputOption = "table",
) -> None:
    """Create a profile; the first one becomes the active one."""
    home = home_folder(os.environ)
    if name in profiles.read_profiles(home).profiles:
        raise CommandError(
            f"There is a profile {name!r} already",
            code=ExitCode.CONFLICT,
            hints=[f"`headgate profiles set {name} …` changes it."],
        )
    values = _given(
        api_url=api_url, api_key=_read_key(api_key), workspace=workspace, log_level=log_level
    )
    _show(profiles.create_profile(home, name=name, values=values), output=output)


def use_profile(name: ProfileName, /) -> None:
    """Make a profile the active one."""
    _require(name)
    profiles.use_profile(home_folder(os.environ), name=name)
    say(f"The active profile is {name}.")


def inspect_profile(
    name: Annotated[str | None, Parameter(help="its name; the active one by default")] = None,
    *,
    output: OutputOption = "table",
) -> None:
    """Show one profile; its key is cut."""
    active = profiles.read_profiles(home_folder(os.environ)).active
    if name is None and active is None:
        raise CommandError(
            "No profile is active",
            code=ExitCode.NOT_FOUND,
            hints=["`headgate profiles use NAME` chooses one."],
        )
    _show(_require(name or str(active)), output=output)


def set_values(
    name: ProfileName,
    /,
    *,
    api_url: UrlOption = None,
    api_key: KeyOption = None,
    workspace: WorkspaceOption = None,
    log_level: LevelOption = None,
    output: OutputOption = "table",
) -> None:
    """Change values of a profile; an empty value removes one."""
    _require(name)
    values = _given(
        api_url=api_url, api_key=_read_key(api_key), workspace=workspace, log_level=log_level
    )
    changed = {key: value or None for key, value in values.items()}
    _show(profiles.set_values(home_folder(os.environ), name=name, values=changed), output=output)


def delete_profile(name: ProfileName, /) -> None:
    """Delete a profile, and revoke the key that `headgate login` got for it.

    If it was the active one, none is afterwards.
    """
    _require(name)
    home = home_folder(os.environ)
    found = credentials.find_credential(home, profile=name)
    profiles.delete_profile(home, name=name)
    say(f"The profile {name} is deleted.")
    if found is not None:
        own_keys.forget(home, profile=name, credential=found)
        stays = "was handed in, and stays good" if found.key_id is None else "is revoked"
        say(f"Its key for {found.api_url} {stays}.")


def _require(name: str) -> Profile:
    home = home_folder(os.environ)
    try:
        return profiles.get_profile(home, name=name)
    except ProfileNotFoundError as error:
        known = profiles.read_profiles(home).profiles
        raise CommandError(
            f"There is no profile {name!r}",
            code=ExitCode.NOT_FOUND,
            hints=near_names(name, known=known, listing="headgate profiles list"),
        ) from error


def _given(**values: str | None) -> dict[str, str]:
    return {key: value for key, value in values.items() if value is not None}


def _read_key(text: str | None) -> str | None:
    return sys.stdin.readline().strip() if text == "-" else text


def _show(profile: Profile, *, output: Format) -> None:
    active = profiles.read_profiles(home_folder(os.environ)).active
    fields: Columns[ProfileRow] = {
        "name": lambda row: row.name,
        "active": lambda row: row.active,
        "api_url": lambda row: row.api_url,
        "workspace": lambda row: row.workspace,
        "api_key": lambda row: row.api_key,
        "log_level": lambda row: row.log_level,
    }
    show_item(_row(profile, active=active), fields=fields, output=output)


def _row(profile: Profile, *, active: str | None) -> ProfileRow:
    found = credentials.find_credential(home_folder(os.environ), profile=profile.name)
    key = profile.values.get("api_key") or (found.api_key if found is not None else None)
    return ProfileRow(
        name=profile.name,
        active=profile.name == active,
        api_url=profile.values.get("api_url"),
        api_key=f"{key[:SHOWN_KEY_CHARACTERS]}…" if key else None,
        workspace=profile.values.get("workspace"),
        log_level=profile.values.get("log_level"),
    )
