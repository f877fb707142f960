"""Embedded Postgres: how a cluster is made, started and recognised as ready."""

import asyncio
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import asyncpg

from headgate_server.embedded.binaries import find_postgres, postgres_major
from headgate_server.embedded.data_dir import DataDir
from headgate_server.embedded.errors import PostgresMajorMismatch, ServiceFailed
from headgate_server.embedded.orphans import clear_leftovers
from headgate_server.embedded.privileges import RunAs, choose_run_as, hand_over, make_reachable

OWNER = "headgate_owner"
DATABASE = "headgate"
READY_POLL_SECONDS = 0.005
CONNECT_SECONDS = 10
SET_UP_SECONDS = 120

# For a developer's machine: small memory, full durability, no work while idle.
SETTINGS: Mapping[str, str] = {
    "shared_buffers": "128MB",
    "max_connections": "200",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_compression": "on",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "io_method": "sync",
    "max_logical_replication_workers": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "password_encryption": "scram-sha-256",  # nosec B105 - a method
}


class PostgresService:
    """One cluster in the data directory, reachable on 127.0.0.1 only."""

    name = "Postgres"
    # SIGINT asks for a fast stop, SIGQUIT for an immediate one; both leave a cluster that recovers.
    stops = f"{signal.SIGINT:d}:20,{signal.SIGQUIT:d}:5,{signal.SIGKILL:d}:5"

    def __init__(self, data_dir: DataDir, *, settings: Mapping[str, str]) -> None:
        self._data_dir = data_dir
        self._settings = {**SETTINGS, **settings}
        self._install = find_postgres()
        self._run_as: RunAs = choose_run_as()
        self._port = data_dir.choose_port("postgres")
        self._is_prepared = False
        self.folder = data_dir.path / "postgres"
        self.log_path = data_dir.log_path("postgres")

    @property
    def user(self) -> str | None:
        """The user to run as, None to stay who we are."""
        return self._run_as.user

    @property
    def url(self) -> str:
        """The owner's URL of the product's database."""
        return self._url(DATABASE)

    def move_to_fresh_port(self) -> None:
        """Take another port: the cluster could not start on this one."""
        self._port = self._data_dir.choose_port("postgres", is_fresh=True)

    async def prepare(self) -> None:
        """Make the cluster on first use; stop what an earlier, killed process left running.

        Raises:
            PostgresMajorMismatch: another major version of Postgres made the cluster.
            DataDirUnusable: Postgres cannot reach or own its files here.
        """
        if not self._is_prepared:
            self._install = await asyncio.to_thread(
                make_reachable, self._install, data_dir=self._data_dir.path, run_as=self._run_as
            )
            await self._make_cluster()
            self._is_prepared = True
        await asyncio.to_thread(
            clear_leftovers,
            self.folder / "postmaster.pid",
            folder=self.folder,
            stop_signal=signal.SIGINT,
        )

    def command(self) -> list[str]:
        """Return the command line: TCP on loopback, no unix socket."""
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        server = [str(self._install / "bin/postgres"), "-D", str(self.folder)]
        listen = ["-h", "127.0.0.1", "-p", str(self._port), "-k", ""]
        return [*self._run_as.prefix, *server, *listen, *options]

    async def wait_ready(self) -> None:
        """Return once the cluster accepts connections and holds the product's database."""
        while not self._says_ready():  # noqa: ASYNC110 - another process writes the file
            await asyncio.sleep(READY_POLL_SECONDS)
        connecting = asyncpg.connect(self._url("postgres"), timeout=CONNECT_SECONDS)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - it ships no types
        connection = cast("Any", await connecting)
        try:
            if not await connection.fetchval(
                "SELECT 1 FROM pg_database WHERE datname = $1", DATABASE
            ):
                # nosemgrep: statements-are-whole - a constant of ours
                await connection.execute(f'CREATE DATABASE "{DATABASE}"')
        finally:
            await connection.close()

    def _says_ready(self) -> bool:
        """Read the status line of postmaster.pid, as pg_ctl does."""
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def _url(self, database: str) -> str:
        password = self._data_dir.secret("postgres_password")
        return f"postgresql://{OWNER}:{password}@127.0.0.1:{self._port}/{database}"

    async def _make_cluster(self) -> None:
        """Run initdb in a draft folder and move the result into place: it is whole or not there."""
        if self.folder.exists():
            found = (self.folder / "PG_VERSION").read_text().strip()
            shipped = await asyncio.to_thread(postgres_major, self._install)
            if found != shipped:
                raise PostgresMajorMismatch(self.folder, found=found, shipped=shipped)
            await asyncio.to_thread(hand_over, self.folder, run_as=self._run_as)
            return
        draft = self.folder.with_name("postgres.draft")
        await asyncio.to_thread(shutil.rmtree, draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        password_file = draft / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._data_dir.secret("postgres_password"))
        cluster = draft / "cluster"
        cluster.mkdir(mode=0o700)
        hand_over(draft, run_as=self._run_as)
        await asyncio.to_thread(self._initdb, cluster, password_file=password_file)
        cluster.rename(self.folder)
        await asyncio.to_thread(shutil.rmtree, draft)

    def _initdb(self, cluster: Path, *, password_file: Path) -> None:
        command = [
            *self._run_as.prefix,
            str(self._install / "bin/initdb"),
            f"--pgdata={cluster}",
            f"--username={OWNER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--no-sync",
            "--no-instructions",
        ]
        result = subprocess.run(  # noqa: S603 - our own binary, no user input
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=SET_UP_SECONDS,
            cwd=cluster,
            user=self.user,
            group=self._run_as.gid,
            extra_groups=[] if self.user else None,
            env={"LC_ALL": "C"},
        )
        self.log_path.write_bytes(result.stdout)
        if result.returncode:
            tail = result.stdout.decode(errors="replace").strip()
            raise ServiceFailed(
                self.name, reason="could not be set up", log_path=self.log_path, log_tail=tail
            )
