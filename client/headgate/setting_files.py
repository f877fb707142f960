"""Settings in files of the working folder: ``.env``, ``headgate.toml`` and ``pyproject.toml``."""

import os
import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from headgate.errors import SettingsError

ENV_FILE = ".env"
OWN_FILE = "headgate.toml"
PROJECT_FILE = "pyproject.toml"
_PREFIX = "HEADGATE_"
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*")
_COMMENT = re.compile(r"\s+#.*$")


def read_setting_files(folder: Path) -> dict[str, str]:
    """Return what the files of a folder set, as variables of the environment.

    ``.env`` wins over ``headgate.toml``, which wins over ``[tool.headgate]`` of
    ``pyproject.toml``. In TOML the setting HEADGATE_API_URL is ``api_url``, or ``url`` in the
    table ``api``.

    Raises:
        SettingsError: a file is not what it should be.
    """
    found: dict[str, str] = {}
    for name in (PROJECT_FILE, OWN_FILE, ENV_FILE):
        path = folder / name
        try:
            stat = path.stat()
        except OSError:
            continue
        found |= _read(str(path), stat.st_mtime_ns, stat.st_size)
    return found


@lru_cache(maxsize=64)
def _read(path: str, changed_ns: int, size: int) -> Mapping[str, str]:
    """Read a file, once for each of its versions: settings are looked up for every run."""
    del changed_ns, size
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
        if file.name == ENV_FILE:
            return _variables(text)
        document: dict[str, Any] = tomllib.loads(text)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        if file.name != OWN_FILE:
            # Another program's file: what it cannot be read for is not Headgate's to say.
            return {}
        message = f"{path} is not valid TOML: {error}"
        raise SettingsError(message) from error
    if file.name == PROJECT_FILE:
        document = document.get("tool", {}).get("headgate", {})
    return _flat(document, prefix=_PREFIX)


def _flat(table: Mapping[str, Any], *, prefix: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in table.items():
        name = f"{prefix}{key.upper()}"
        if isinstance(value, dict):
            found |= _flat(cast("dict[str, Any]", value), prefix=f"{name}_")
        elif isinstance(value, list):
            found[name] = ",".join(map(str, cast("list[Any]", value)))
        else:
            found[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return found


def _variables(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is None or not match[1].startswith(_PREFIX):
            continue
        value = match[2]
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        else:
            value = _COMMENT.sub("", value)
        found[match[1]] = value
    return found


def working_folder() -> Path | None:
    """Return the folder that this process works in; None where it was removed."""
    try:
        return Path(os.getcwd())  # noqa: PTH109 - Path.cwd() is the same call, and slower
    except OSError:
        return None
