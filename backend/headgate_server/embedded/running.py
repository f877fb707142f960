"""What runs in a data directory now: how another process of this machine reaches its database."""

import fcntl
import json
from dataclasses import dataclass
from pathlib import Path

from headgate_server.embedded.data_dir import MARKER_NAME
from headgate_server.embedded.errors import DataDirIdle, DataDirUnusable
from headgate_server.embedded.postgres import DATABASE, OWNER


@dataclass(frozen=True, slots=True)
class Running:
    """The database of an installation on this machine, and what opens what is in it.

    Args:
        postgres_url: the owner's.
        redis_url: of its own Valkey; empty where it was given another.
        secret_key: that it made for itself.
        kek_folder: where its own key of keys is.
    """

    postgres_url: str
    redis_url: str
    secret_key: str
    kek_folder: Path


def find_running(path: Path) -> Running:
    """Return what runs in a data directory; nothing in it is touched.

    Raises:
        DataDirIdle: nothing runs there, or it keeps its data elsewhere.
        DataDirUnusable: it is another user's.
    """
    path = path.expanduser().absolute()
    try:
        if not (path / MARKER_NAME).exists() or not _is_held(path):
            raise DataDirIdle(path)
        ports = json.loads((path / "ports.json").read_text())
        port = int(ports["postgres"])
        password = _secret(path, "postgres_password")
        return Running(
            postgres_url=f"postgresql://{OWNER}:{password}@127.0.0.1:{port}/{DATABASE}",
            redis_url=_redis_url(path, ports),
            secret_key=_secret(path, "secret_key"),
            kek_folder=path / "secrets" / "kek",
        )
    except PermissionError as error:
        reason = f"{error.strerror}: {error.filename}. Ask as the user it belongs to."
        raise DataDirUnusable(path, reason=reason) from error
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        raise DataDirIdle(path) from error


def _redis_url(path: Path, ports: dict[str, int]) -> str:
    if "valkey" not in ports:
        return ""
    return f"redis://:{_secret(path, 'valkey_password')}@127.0.0.1:{int(ports['valkey'])}/0"


def _secret(path: Path, name: str) -> str:
    return (path / "secrets" / name).read_text()


def _is_held(path: Path) -> bool:
    with (path / "lock").open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
