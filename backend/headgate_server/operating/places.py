"""Which database an operator's command works on: that of the settings, or of a running ``dev``."""

import argparse
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from headgate_server.settings import Settings


def add_place(parser: argparse.ArgumentParser) -> None:
    """Let a command work on what ``headgate-server dev`` runs."""
    parser.add_argument(
        "--data-dir",
        dest="dev_dir",
        type=Path,
        metavar="DIR",
        help="work on the database that `headgate-server dev` runs from this folder, such as "
        "~/.local/share/headgate",
    )


def find_place(settings: Settings, parsed: argparse.Namespace) -> Settings:
    """Return the settings of the installation that a command is for.

    Raises:
        DataDirIdle: nothing runs in the folder that is named.
    """
    named: Path | None = parsed.dev_dir
    if named is None:
        return settings
    # Only where it is asked for: the embedded servers are not installed everywhere.
    running = import_module("headgate_server.embedded.running").find_running(named)
    return replace(
        settings,
        secret_key=settings.secret_key or running.secret_key,
        kek=settings.kek or f"keyfile:{running.kek_folder}",
        redis_url=settings.redis_url or running.redis_url,
        owner_database_url=running.postgres_url,
        database_url="",
        system_database_url="",
    )


def default_data_dir(environment: dict[str, str]) -> Path:
    """Return where ``dev`` keeps its data unless told otherwise."""
    named = environment.get("HEADGATE_DATA_DIR")
    if named:
        return Path(named)
    return Path(environment.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "headgate"
