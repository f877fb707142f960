"""Postgres and Valkey together: one data directory, started in parallel, stopped in parallel."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from headgate_server.embedded.data_dir import DataDir
from headgate_server.embedded.errors import EmbeddedError
from headgate_server.embedded.postgres import PostgresService
from headgate_server.embedded.supervisor import ServiceEvent, Supervisor
from headgate_server.embedded.valkey import ValkeyService

logger = logging.getLogger(__name__)


def log_event(event: ServiceEvent) -> None:
    """Write the event to the log: what happens when nobody listens for it."""
    logger.warning("embedded %s %s: %s", event.service, event.kind, event.detail)


class EmbeddedServices:
    """The servers that one machine needs, held by this process and gone when it is.

    The servers die with this process however it ends, and are restarted when they die first, on
    the same ports. Use as an asynchronous context manager, or ``start`` and ``stop``.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        has_postgres: bool = True,
        has_valkey: bool = True,
        postgres_settings: Mapping[str, str] | None = None,
        on_event: Callable[[ServiceEvent], None] = log_event,
    ) -> None:
        """Describe the services; nothing is touched before ``start``.

        Args:
            data_dir: made if it does not exist; refused if it holds files that are not ours.
            has_postgres: False where the installation brings a database of its own.
            has_valkey: False where the installation brings a Redis of its own.
            postgres_settings: over the defaults of ``postgres.SETTINGS``.
            on_event: told when a service died, came back or was given up.
        """
        self._path = data_dir
        self._has_postgres = has_postgres
        self._has_valkey = has_valkey
        self._postgres_settings = dict(postgres_settings or {})
        self._on_event = on_event
        self._data_dir: DataDir | None = None
        self._postgres: PostgresService | None = None
        self._valkey: ValkeyService | None = None
        self._supervisors: list[Supervisor] = []

    @property
    def data_dir(self) -> Path:
        """The data directory, as it was given."""
        return self._path

    @property
    def postgres_url(self) -> str:
        """The owner's URL, ``postgresql://headgate_owner:…@127.0.0.1:PORT/headgate``."""
        if self._postgres is None:
            raise EmbeddedError("Embedded Postgres is not running: call start() first.")
        return self._postgres.url

    @property
    def redis_url(self) -> str:
        """The URL of Valkey's database 0, ``redis://:…@127.0.0.1:PORT/0``."""
        if self._valkey is None:
            raise EmbeddedError("Embedded Valkey is not running: call start() first.")
        return self._valkey.url

    def secret(self, name: str) -> str:
        """Return the named secret of the data directory, made on first use."""
        if self._data_dir is None:
            raise EmbeddedError("The data directory is not held: call start() first.")
        return self._data_dir.secret(name)

    async def start(self) -> None:
        """Claim the data directory and start the services; return when both accept connections.

        Raises:
            EmbeddedError: one of its subclasses, by cause; nothing is left running.
        """
        self._data_dir = await asyncio.to_thread(DataDir.claim, self._path)
        try:
            if self._has_postgres:
                self._postgres = PostgresService(self._data_dir, settings=self._postgres_settings)
                self._supervisors.append(Supervisor(self._postgres, on_event=self._on_event))
            if self._has_valkey:
                self._valkey = ValkeyService(self._data_dir)
                self._supervisors.append(Supervisor(self._valkey, on_event=self._on_event))
            async with asyncio.TaskGroup() as group:
                for supervisor in self._supervisors:
                    group.create_task(supervisor.start())
        except BaseExceptionGroup as failures:
            await self.stop()
            raise failures.exceptions[0] from None
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the services cleanly and release the data directory. Safe to call twice."""
        supervisors, self._supervisors = self._supervisors, []
        try:
            async with asyncio.TaskGroup() as group:
                for supervisor in supervisors:
                    group.create_task(supervisor.stop())
        finally:
            self._postgres = self._valkey = None
            if self._data_dir is not None:
                self._data_dir.release()
                self._data_dir = None

    async def wait(self) -> None:
        """Return when stopped.

        Raises:
            ServiceFailed: a service died too often and was given up.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for supervisor in self._supervisors:
                    group.create_task(supervisor.wait())
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()
