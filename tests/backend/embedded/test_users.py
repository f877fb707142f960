"""Running as root, as an ordinary user, and as root where user namespaces are refused."""

import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import psutil
import pytest

from tests.backend.embedded.holders import Holder, query

IS_ROOT = os.geteuid() == 0


@pytest.fixture
def open_folder() -> Generator[Path]:
    """A folder that user nobody can enter and write; pytest's own are closed to it."""
    folder = Path(tempfile.mkdtemp(prefix="headgate-users-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


async def test_ordinary_user_runs_postgres_directly(open_folder: Path) -> None:
    drop = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups") if IS_ROOT else ()

    with Holder(open_folder / "data", prefix=drop) as holder:
        url = holder.read_line()["postgres_url"]

        assert await query(url, "SELECT 1") == 1
        assert (open_folder / "data/postgres").stat().st_uid == holder_uid(holder)
        holder.process.terminate()
        assert holder.process.wait(timeout=30) == 0


def holder_uid(holder: Holder) -> int:
    return psutil.Process(holder.process.pid).uids().effective
