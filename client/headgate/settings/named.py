"""Settings under the names that Prefect's users know: to read one, and to change some in a test."""

import os
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from headgate.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: what variable of the environment says it, and what it is now.

    Args:
        name: of the variable, as ``HEADGATE_API_URL``.
        field: of ``Settings``.
    """

    name: str
    field: str

    def value(self) -> Any:
        """Return what it is now; None where nobody said, and there is no default."""
        return getattr(load_settings(), self.field)


PREFECT_API_KEY = Setting("HEADGATE_API_KEY", "api_key")
PREFECT_API_URL = Setting("HEADGATE_API_URL", "api_url")
PREFECT_HOME = Setting("HEADGATE_HOME", "home")
PREFECT_LOGGING_EXTRA_LOGGERS = Setting("HEADGATE_EXTRA_LOGGERS", "extra_loggers")
PREFECT_LOGGING_LEVEL = Setting("HEADGATE_LOG_LEVEL", "log_level")
PREFECT_LOGGING_LOG_PRINTS = Setting("HEADGATE_LOG_PRINTS", "log_prints")
PREFECT_RESULTS_DEFAULT_SERIALIZER = Setting("HEADGATE_RESULT_SERIALIZER", "result_serializer")
PREFECT_RESULTS_LOCAL_STORAGE_PATH = Setting("HEADGATE_RESULT_STORAGE", "result_storage")
PREFECT_RESULTS_PERSIST_BY_DEFAULT = Setting("HEADGATE_PERSIST_RESULTS", "is_result_kept")
PREFECT_TASKS_REFRESH_CACHE = Setting("HEADGATE_REFRESH_CACHE", "is_cache_refreshed")
PREFECT_UI_URL = Setting("HEADGATE_UI_URL", "ui_url")


def get_current_settings() -> Settings:
    """Return the settings as they are now."""
    return load_settings()


@contextmanager
def temporary_settings(
    updates: Mapping[Setting | str, Any] | None = None,
    restore_defaults: Iterable[Setting | str] | None = None,
) -> Generator[Settings]:
    """Change settings of this process, and of those that it starts meanwhile, for a while.

    Args:
        updates: values by setting, or by the variable of the environment that says it.
        restore_defaults: those that nobody is to have said.
    """
    wanted: dict[str, Any] = {_variable(one): "" for one in restore_defaults or ()}
    wanted |= {_variable(one): value for one, value in (updates or {}).items()}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update({name: "" if value is None else str(value) for name, value in wanted.items()})
    try:
        yield load_settings()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _variable(setting: Setting | str) -> str:
    return setting.name if isinstance(setting, Setting) else setting
