"""Embedded Valkey (it speaks Redis): how it is configured, started and recognised as ready."""

import asyncio
import contextlib
import signal

from headgate_server.embedded.binaries import find_valkey
from headgate_server.embedded.data_dir import DataDir
from headgate_server.embedded.orphans import clear_leftovers

READY_POLL_SECONDS = 0.005
ANSWER_SECONDS = 5.0


class ValkeyService:
    """One server in the data directory, reachable on 127.0.0.1 only and by password."""

    name = "Valkey"
    user = None
    stops = f"{signal.SIGTERM:d}:10,{signal.SIGKILL:d}:5"

    def __init__(self, data_dir: DataDir) -> None:
        self._data_dir = data_dir
        self._binary = find_valkey()
        self._port = data_dir.choose_port("valkey")
        self._password = data_dir.secret("valkey_password")
        self.folder = data_dir.path / "valkey"
        self.log_path = data_dir.log_path("valkey")

    @property
    def url(self) -> str:
        """The URL of database 0."""
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    def move_to_fresh_port(self) -> None:
        """Take another port: the server could not start on this one."""
        self._port = self._data_dir.choose_port("valkey", is_fresh=True)

    async def prepare(self) -> None:
        """Write the configuration, and stop what an earlier, killed process left running."""
        await asyncio.to_thread(
            clear_leftovers,
            self.folder / "valkey.pid",
            folder=self.folder,
            stop_signal=signal.SIGTERM,
        )
        await asyncio.to_thread(self._write_configuration)

    def command(self) -> list[str]:
        """Return the command line; the password stands in the file, not in the process list."""
        return [str(self._binary), str(self.folder / "valkey.conf")]

    async def wait_ready(self) -> None:
        """Return once the server answers PING; while it loads its data it does not yet."""
        while not await self._answers():  # noqa: ASYNC110 - another process opens the port
            await asyncio.sleep(READY_POLL_SECONDS)

    async def _answers(self) -> bool:
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            try:
                writer.write(f"AUTH {self._password}\r\nPING\r\n".encode())
                async with asyncio.timeout(ANSWER_SECONDS):
                    return [await reader.readline(), await reader.readline()] == [
                        b"+OK\r\n",
                        b"+PONG\r\n",
                    ]
            finally:
                writer.close()
        return False

    def _write_configuration(self) -> None:
        path = self.folder / "valkey.conf"
        path.touch(mode=0o600)
        path.write_text(
            "bind 127.0.0.1\n"
            f"port {self._port}\n"
            f"requirepass {self._password}\n"
            f"dir {_quoted(str(self.folder))}\n"
            f"pidfile {_quoted(str(self.folder / 'valkey.pid'))}\n"
            "daemonize no\n"
            "appendonly yes\n"
            "appendfsync everysec\n"
            'save ""\n'
            "maxmemory-policy noeviction\n"
        )


def _quoted(text: str) -> str:
    """Quote for the configuration file, where a folder's name may hold spaces and quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
