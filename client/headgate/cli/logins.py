"""``headgate login``, ``logout`` and ``whoami``: a key of yours, by way of the browser."""

import getpass
import os
import platform
import sys
import time
import webbrowser
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from headgate import credentials, profiles
from headgate.api import logins, viewer
from headgate.api.logins import GrantedKey
from headgate.api.transport import SyncTransport
from headgate.api.viewer import Identity, Place
from headgate.cli import loopback, own_keys
from headgate.cli.failures import CommandError, ExitCode, near_names
from headgate.cli.output import Columns, OutputOption, say, show_item
from headgate.credentials import Credential
from headgate.errors import ForbiddenError, RetryableApiError
from headgate.profiles import Profile
from headgate.settings import base_address, home_folder, load_settings

DEFAULT_PROFILE = "default"
MAX_CLIENT_LENGTH = 100

UrlOption = Annotated[str | None, Parameter(name="--api-url", help="the server's address")]
KeyOption = Annotated[
    str | None,
    Parameter(
        name="--key",
        help="log in with this key; - reads it from standard input",
        allow_leading_hyphen=True,
    ),
]
DeviceOption = Annotated[
    bool, Parameter(name="--device", help="type a code into a browser, here or elsewhere")
]
WorkspaceOption = Annotated[
    str | None, Parameter(name="--workspace", help="organization/workspace to use")
]
ScopesOption = Annotated[
    str | None, Parameter(name="--scopes", help="what the key may do, by comma; all unless said")
]
DaysOption = Annotated[int, Parameter(name="--days", help="how long the key is good, 1 to 365")]


def login(
    *,
    api_url: UrlOption = None,
    device: DeviceOption = False,
    key: KeyOption = None,
    workspace: WorkspaceOption = None,
    scopes: ScopesOption = None,
    days: DaysOption = 90,
) -> None:
    """Log in: the browser asks you, and a key of yours is kept for the active profile.

    Without a browser here, or with --device, a code is shown that you type into one elsewhere.
    The profile is the active one, that of --profile, or "default".
    """
    home = home_folder(os.environ)
    name, known = _profile(home)
    url = _address(api_url, known=known)
    former = credentials.find_credential(home, profile=name)
    if key is not None:
        credential = Credential(url, sys.stdin.readline().strip() if key == "-" else key)
    else:
        wanted = [one.strip() for one in (scopes or "").split(",") if one.strip()]
        granted = _ask(url, is_device=device, scopes=wanted, days=days)
        credential = Credential(url, granted.api_key, granted.key_id, granted.expires_at)
    try:
        identity = _identify(credential)
        place = _choose(identity, wanted=workspace, known=known)
        _keep(home, name=name, known=known, credential=credential, place=place)
    except BaseException:
        if credential.key_id is not None:
            # Nobody would have this key, and it would be good for months.
            own_keys.revoke(credential)
        raise
    if former is not None and former.key_id is not None:
        own_keys.revoke(former)
    _tell(identity, name=name, url=url, place=place)


def logout() -> None:
    """Log out: the key is revoked on the server and forgotten here."""
    home = home_folder(os.environ)
    name, _ = _profile(home)
    found = credentials.find_credential(home, profile=name)
    if found is None:
        raise CommandError(
            f"Profile {name!r} is not logged in",
            code=ExitCode.NOT_FOUND,
            hints=["`headgate login` logs in."],
        )
    own_keys.forget(home, profile=name, credential=found)
    if found.key_id is None:
        say("Logged out. The key was handed in, and stays good: revoke it where it was made.")
    else:
        say(f"Logged out of {found.api_url}; the key is revoked.")


def whoami(*, output: OutputOption = "table") -> None:
    """Show whom the key speaks for, and where it is good."""
    settings = load_settings()
    transport = SyncTransport(
        settings.require_api_url(),
        settings.api_key,
        deadline_seconds=min(own_keys.PATIENCE_SECONDS, settings.request_deadline_seconds),
    )
    try:
        identity = transport.call(viewer.identify)
    finally:
        transport.close()
    fields: Columns[Identity] = {
        "server": lambda _: settings.api_url,
        "profile": lambda _: settings.profile,
        "you are": lambda one: f"{one.display_name} ({one.kind})",
        "e-mail": lambda one: one.email,
        "organization": lambda one: one.organization,
        "workspace": lambda _: (
            f"{settings.organization}/{settings.workspace}" if settings.workspace else None
        ),
        "key": lambda one: one.key_name,
        "expires": lambda one: one.expires_at,
        "scopes": lambda one: len(one.scopes),
    }
    show_item(identity, fields=fields, output=output)


def _profile(home: Path) -> tuple[str, Profile | None]:
    """Return the name of the profile that is meant, and the profile where it exists."""
    stored = profiles.read_profiles(home)
    name = os.environ.get("HEADGATE_PROFILE") or stored.active or DEFAULT_PROFILE
    return name, stored.profiles.get(name)


def _address(given: str | None, *, known: Profile | None) -> str:
    stored = known.values.get("api_url") if known is not None else None
    url = given or os.environ.get("HEADGATE_API_URL") or stored
    if not url or not url.startswith(("http://", "https://")):
        raise CommandError(
            "Which server? It has an address that starts with https://",
            code=ExitCode.USAGE,
            hints=["`headgate login --api-url https://headgate.example.com`"],
        )
    return base_address(url)


def _ask(url: str, *, is_device: bool, scopes: list[str], days: int) -> GrantedKey:
    """Have the person allow a key, in a browser of this machine or anywhere.

    Raises:
        CommandError: nobody did in time, or they refused.
        ApiError: the server could not be asked.
    """
    client = f"headgate on {getpass.getuser()}@{platform.node()}"[:MAX_CLIENT_LENGTH]
    try:
        if is_device or not _has_browser():
            return _ask_elsewhere(url, client=client, scopes=scopes, days=days)
        asked = {"client": client, "scopes": ",".join(scopes), "days": str(days)}
        found = loopback.ask(url, asked=asked)
        return logins.redeem(url, code=found.code, verifier=found.verifier)
    except ForbiddenError as error:
        raise CommandError(
            str(error), code=ExitCode.NOT_ALLOWED, hints=["`headgate login` begins again."]
        ) from error


def _ask_elsewhere(url: str, *, client: str, scopes: list[str], days: int) -> GrantedKey:
    begun = logins.begin_device(url, client=client, scopes=scopes, days=days)
    say(f"Open {begun.verification_url} in any browser, and type in this code:\n")
    say(f"    {begun.user_code}\n")
    interval = float(begun.interval)
    deadline = time.monotonic() + begun.expires_in
    while time.monotonic() < deadline:
        time.sleep(interval)
        try:
            return logins.poll_device(url, device_code=begun.device_code)
        except ForbiddenError as error:
            if error.code == logins.SLOW_DOWN:
                interval += begun.interval
            elif error.code != logins.PENDING:
                raise
        except RetryableApiError as error:
            say(f"{error}; asking again.")
    raise CommandError(
        "Nobody typed the code in in time",
        code=ExitCode.NOT_ALLOWED,
        hints=["`headgate login --device` begins again."],
    )


def _has_browser() -> bool:
    if os.environ.get("BROWSER"):
        return True
    if os.environ.get("SSH_CONNECTION"):
        return False
    is_blind = sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    if is_blind:
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def _identify(credential: Credential) -> Identity:
    transport = SyncTransport(
        credential.api_url, credential.api_key, deadline_seconds=own_keys.PATIENCE_SECONDS
    )
    try:
        return transport.call(viewer.identify)
    finally:
        transport.close()


def _choose(identity: Identity, *, wanted: str | None, known: Profile | None) -> Place | None:
    """Return the workspace to use: the one that was named, the one before, or the only one."""
    handles = {one.handle: one for one in identity.places}
    if wanted is not None:
        if wanted in handles:
            return handles[wanted]
        raise CommandError(
            f"There is no workspace {wanted!r}, or you may not enter it",
            code=ExitCode.NOT_FOUND,
            hints=near_names(wanted, known=handles, listing="headgate workspaces list"),
        )
    before = known.values.get("workspace") if known is not None else None
    if before in handles:
        return handles[before]
    return identity.places[0] if len(identity.places) == 1 else None


def _keep(
    home: Path, *, name: str, known: Profile | None, credential: Credential, place: Place | None
) -> None:
    handle = place.handle if place is not None else None
    if known is None:
        values = {"api_url": credential.api_url, **({"workspace": handle} if handle else {})}
        profiles.create_profile(home, name=name, values=values)
    else:
        changed = {"api_url": credential.api_url, "api_key": None, "workspace": handle}
        profiles.set_values(home, name=name, values=changed)
    credentials.store_credential(home, profile=name, credential=credential)


def _tell(identity: Identity, *, name: str, url: str, place: Place | None) -> None:
    say(f"Logged in to {url} as {identity.display_name}, in the profile {name}.")
    if identity.expires_at:
        say(f"The key ends at {identity.expires_at}; `headgate logout` revokes it.")
    if place is not None:
        say(f"The workspace is {place.handle}.")
    else:
        say("No workspace is chosen: `headgate workspaces list`, then `headgate workspaces use`.")
    if os.environ.get("HEADGATE_API_KEY"):
        say("HEADGATE_API_KEY is set, and goes before this login: unset it.")
