"""The client's settings: the environment over the active profile, read as a run starts."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headgate import elsewhere
from headgate.credentials import find_credential
from headgate.errors import ProfileNotFoundError, SettingsError
from headgate.profiles import Profile, find_active_profile, get_profile
from headgate.setting_files import read_setting_files, working_folder
from headgate.settings.values import (
    SECRET_STORES,
    flag,
    flag_or_none,
    folders,
    names,
    number,
    paths,
)

if TYPE_CHECKING:
    from headgate.settings.named import (
        PREFECT_API_KEY,
        PREFECT_API_URL,
        PREFECT_HOME,
        PREFECT_LOGGING_EXTRA_LOGGERS,
        PREFECT_LOGGING_LEVEL,
        PREFECT_LOGGING_LOG_PRINTS,
        PREFECT_RESULTS_DEFAULT_SERIALIZER,
        PREFECT_RESULTS_LOCAL_STORAGE_PATH,
        PREFECT_RESULTS_PERSIST_BY_DEFAULT,
        PREFECT_TASKS_REFRESH_CACHE,
        PREFECT_UI_URL,
        get_current_settings,
        temporary_settings,
    )

DEFAULT_HOME = "~/.headgate"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@dataclass(frozen=True, slots=True)
class RunAssignment:
    """The run that an agent gave to this process, and the lease under which it may write."""

    flow_run_id: str
    lease_token: str
    lease_epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that this process was told from outside.

    Args:
        api_url: the server's base address; None means local mode.
        ui_url: where its pages are in the browser; at ``api_url`` where nobody said.
        report_interval_seconds: how long reports gather before they are sent.
        report_patience_seconds: how long a finished run waits for a server that is away before it
            leaves its reports on disk; the default is a lease's ``abandonAfter``.
        log_lines_per_second: beyond it, after a burst of ten seconds' worth, lines of a run's log
            are dropped and counted, those of a low level first; 0 drops none, and a run that logs
            faster than the server takes waits.
        renew_interval_seconds: how often the lease of a run in this process is renewed.
        agent_transport: what carries an agent's work stream: auto, websocket, sse or poll.
        agent_climb_seconds: how long an agent stays below the best of them before it tries again.
        secret_env: the variables of the environment that blocks may name as secrets, as patterns.
        secret_folders: the folders with files that blocks may name as secrets.
        secret_paths: the secrets of other stores that blocks may name, as ``provider:pattern``.
        result_storage: where results of tasks are kept: an absolute folder, or a block as
            ``type-slug/name``; in the home folder where it is None.
        result_serializer: what writes them, by name; ``pickle`` where it is None.
        result_keep_days: how long this machine keeps what a run kept to go on with.
        reschedule_retries_after_seconds: a run that an agent started and that waits for longer than
            that before its next attempt gives its process back meanwhile.
        is_result_kept: whether tasks that do not say keep their results; None: those of a run that
            an agent started do, for the run itself.
        is_cache_refreshed: whether tasks that do not say compute what is cached again.
    """

    home: Path
    api_url: str | None = None
    ui_url: str | None = None
    api_key: str | None = None
    organization: str | None = None
    workspace: str | None = None
    profile: str | None = None
    log_level: str = "INFO"
    log_prints: bool = False
    is_server_required: bool = False
    extra_loggers: tuple[str, ...] = ()
    report_interval_seconds: float = 0.075
    report_patience_seconds: float = 600.0
    log_lines_per_second: float = 2000.0
    renew_interval_seconds: float = 15.0
    request_deadline_seconds: float = 30.0
    agent_transport: str = "auto"
    agent_climb_seconds: float = 30.0
    secret_env: tuple[str, ...] = ()
    secret_folders: tuple[Path, ...] = ()
    secret_paths: tuple[str, ...] = ()
    result_storage: str | None = None
    result_serializer: str | None = None
    result_keep_days: float = 7.0
    reschedule_retries_after_seconds: float = 60.0
    is_result_kept: bool | None = None
    is_cache_refreshed: bool | None = None
    assignment: RunAssignment | None = None

    @property
    def results_folder(self) -> Path:
        """Where results are kept, unless another place is named."""
        return self.home / "results"

    @property
    def is_local(self) -> bool:
        """Whether no server is configured."""
        return self.api_url is None

    @property
    def graphql_url(self) -> str:
        """The address of the GraphQL endpoint.

        Raises:
            SettingsError: no server is configured.
        """
        return f"{self.require_api_url()}/graphql"

    def require_api_url(self) -> str:
        """Return the server's base address.

        Raises:
            SettingsError: no server is configured.
        """
        if self.api_url is None:
            message = "No server is configured: set HEADGATE_API_URL or choose a profile"
            raise SettingsError(message)
        return self.api_url

    def page(self, kind: str, id: str) -> str | None:
        """Return the address of something's page in the browser; None without a server.

        Args:
            kind: the first part of the page's path, as ``runs``.
        """
        if self.ui_url is None or self.organization is None or self.workspace is None:
            return None
        return f"{self.ui_url}/{self.organization}/{self.workspace}/{kind}/{id}"

    def require_workspace(self) -> tuple[str, str]:
        """Return the slugs of the organization and the workspace.

        Raises:
            SettingsError: no workspace is configured.
        """
        if self.organization is None or self.workspace is None:
            message = "No workspace is configured: set HEADGATE_WORKSPACE=organization/workspace"
            raise SettingsError(message)
        return self.organization, self.workspace


_DEFAULTS: Mapping[str, Any] = {field.name: field.default for field in fields(Settings)}


def home_folder(environ: Mapping[str, str]) -> Path:
    """Return where profiles and spooled reports live."""
    return Path(environ.get("HEADGATE_HOME") or DEFAULT_HOME).expanduser()


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings: an environment variable wins over a file, and a file over the profile.

    The files are ``.env``, ``headgate.toml`` and ``pyproject.toml`` of the working folder.

    ``HEADGATE_PROFILE`` chooses a profile for one process. An empty HEADGATE_API_URL means local
    mode whatever the profile says.

    Raises:
        SettingsError: a value is malformed, or HEADGATE_PROFILE names no profile.
    """
    variables = _with_files(os.environ) if environ is None else environ
    home = home_folder(variables)
    profile = _chosen_profile(variables, home=home)
    stored: Mapping[str, str] = profile.values if profile else {}

    def value(key: str) -> str | None:
        found = variables.get(f"HEADGATE_{key.upper()}")
        return (stored.get(key) if found is None else found) or None

    api_url = value("api_url")
    if api_url is not None and not api_url.startswith(("http://", "https://")):
        message = f"HEADGATE_API_URL must start with http:// or https://, not {api_url!r}"
        raise SettingsError(message)
    organization, workspace = _split_workspace(value("workspace"))
    address = base_address(api_url) if api_url else None
    ui_url = value("ui_url")
    return Settings(
        home=home,
        api_url=address,
        ui_url=ui_url.rstrip("/") if ui_url and address else address,
        api_key=_key(value("api_key") or _credential(home, profile=profile, api_url=address)),
        organization=organization,
        workspace=workspace,
        profile=profile.name if profile else None,
        log_level=_level(value("log_level") or "INFO"),
        log_prints=flag(variables, name="HEADGATE_LOG_PRINTS"),
        is_server_required=flag(variables, name="HEADGATE_REQUIRE_SERVER"),
        extra_loggers=names(variables.get("HEADGATE_EXTRA_LOGGERS", "")),
        agent_transport=variables.get("HEADGATE_AGENT_TRANSPORT", "").lower() or "auto",
        secret_env=names(variables.get("HEADGATE_SECRET_ENV", "")),
        secret_folders=folders(variables.get("HEADGATE_SECRET_FOLDERS", "")),
        secret_paths=paths(variables.get("HEADGATE_SECRET_PATHS", "")),
        result_storage=variables.get("HEADGATE_RESULT_STORAGE") or None,
        result_serializer=variables.get("HEADGATE_RESULT_SERIALIZER") or None,
        is_result_kept=flag_or_none(variables, name="HEADGATE_PERSIST_RESULTS"),
        is_cache_refreshed=flag_or_none(variables, name="HEADGATE_REFRESH_CACHE"),
        assignment=_assignment(variables),
        **{name: _number_of(variables, name) for name in _NUMBERS},
    )


_NUMBERS = (
    "report_interval_seconds",
    "report_patience_seconds",
    "log_lines_per_second",
    "renew_interval_seconds",
    "request_deadline_seconds",
    "agent_climb_seconds",
    "result_keep_days",
    "reschedule_retries_after_seconds",
)


def _number_of(variables: Mapping[str, str], name: str) -> float:
    """Return a setting that is a number; unset, its default."""
    default: float = _DEFAULTS[name]
    return number(variables, name=f"HEADGATE_{name.upper()}", default=default)


_OTHER_NAMES = {
    "HEADGATE_LOGGING_LEVEL": "HEADGATE_LOG_LEVEL",
    "HEADGATE_LOGGING_LOG_PRINTS": "HEADGATE_LOG_PRINTS",
    "HEADGATE_LOGGING_EXTRA_LOGGERS": "HEADGATE_EXTRA_LOGGERS",
}
"""The names that Prefect's users know."""


def _with_files(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment over the files of the working folder.

    The process of a run has no use for them: its agent told it all.
    """
    folder = None if "HEADGATE_LEASE_TOKEN" in environ else working_folder()
    found = read_setting_files(folder) if folder else {}
    for other, name in _OTHER_NAMES.items():
        if other in environ:
            found[name] = environ[other]
        elif other in found:
            found.setdefault(name, found[other])
    return {**found, **environ} if found else environ


def base_address(url: str) -> str:
    """Return the address of a server, however it was given."""
    return url.rstrip("/").removesuffix("/graphql")


def _credential(home: Path, *, profile: Profile | None, api_url: str | None) -> str | None:
    """Return the key that logging in brought, if it is of this server."""
    if profile is None or api_url is None:
        return None
    found = find_credential(home, profile=profile.name)
    return found.api_key if found is not None and found.api_url == api_url else None


def _chosen_profile(variables: Mapping[str, str], *, home: Path) -> Profile | None:
    name = variables.get("HEADGATE_PROFILE")
    if not name:
        return find_active_profile(home)
    try:
        return get_profile(home, name=name)
    except ProfileNotFoundError as error:
        message = f"HEADGATE_PROFILE: {error}"
        raise ProfileNotFoundError(message) from error


def _key(text: str | None) -> str | None:
    if text is not None and not (text.isascii() and text.isprintable()):
        message = "HEADGATE_API_KEY holds a line break or another character that no key has"
        raise SettingsError(message)
    return text


def _level(name: str) -> str:
    level = name.upper()
    if level not in LEVELS:
        message = f"HEADGATE_LOG_LEVEL must be one of {', '.join(LEVELS)}, not {name!r}"
        raise SettingsError(message)
    return level


def _split_workspace(handle: str | None) -> tuple[str | None, str | None]:
    if handle is None:
        return None, None
    organization, separator, workspace = handle.partition("/")
    if not (organization and separator and workspace) or "/" in workspace:
        message = f"HEADGATE_WORKSPACE must have the form organization/workspace, not {handle!r}"
        raise SettingsError(message)
    return organization, workspace


def _assignment(variables: Mapping[str, str]) -> RunAssignment | None:
    run_id = variables.get("HEADGATE_FLOW_RUN_ID")
    token = variables.get("HEADGATE_LEASE_TOKEN")
    if not run_id or not token:
        return None
    epoch = int(number(variables, name="HEADGATE_LEASE_EPOCH", default=1))
    return RunAssignment(flow_run_id=run_id, lease_token=token, lease_epoch=epoch)


__all__ = [
    "DEFAULT_HOME",
    "LEVELS",
    "PREFECT_API_KEY",
    "PREFECT_API_URL",
    "PREFECT_HOME",
    "PREFECT_LOGGING_EXTRA_LOGGERS",
    "PREFECT_LOGGING_LEVEL",
    "PREFECT_LOGGING_LOG_PRINTS",
    "PREFECT_RESULTS_DEFAULT_SERIALIZER",
    "PREFECT_RESULTS_LOCAL_STORAGE_PATH",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT",
    "PREFECT_TASKS_REFRESH_CACHE",
    "PREFECT_UI_URL",
    "SECRET_STORES",
    "RunAssignment",
    "Settings",
    "base_address",
    "get_current_settings",
    "home_folder",
    "load_settings",
    "temporary_settings",
]
_NAMED = (
    *(name for name in __all__ if name.startswith("PREFECT_")),
    "get_current_settings",
    "temporary_settings",
)

if not TYPE_CHECKING:
    _find = elsewhere.lookup(
        __name__,
        {**dict.fromkeys(_NAMED, "headgate.settings.named"), "Profile": "headgate.profiles"},
    )

    def __getattr__(name: str) -> Any:
        try:
            return _find(name)
        except AttributeError:
            if not name.startswith("PREFECT_"):
                raise
        message = f"There is no {name!r} in {__name__}: variables begin with HEADGATE_, "
        raise ImportError(message + "and temporary_settings() takes their names", name=__name__)
