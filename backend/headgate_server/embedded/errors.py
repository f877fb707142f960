"""What can go wrong with the embedded services, each with the way out in its message."""

from pathlib import Path

from headgate_server.domain.errors import HeadgateError


class EmbeddedError(HeadgateError):
    """The embedded services cannot run here; set HEADGATE_DATABASE_URL and HEADGATE_REDIS_URL."""

    code = "EMBEDDED"


class BinaryMissing(EmbeddedError):
    """No binary of this service for this platform is installed."""

    code = "EMBEDDED_BINARY_MISSING"

    def __init__(self, package: str, *, variable: str) -> None:
        super().__init__(
            f"The package {package} with the server's binary is not installed for this platform. "
            f"Install headgate-server again, or run a server of your own and set {variable}."
        )


class DataDirLocked(EmbeddedError):
    """Another process holds the data directory."""

    code = "DATA_DIR_LOCKED"

    def __init__(self, path: Path, *, holder_pid: int | None) -> None:
        self.holder_pid = holder_pid
        holder = f"process {holder_pid}" if holder_pid else "another process"
        super().__init__(
            f"Data directory {path} is in use by {holder}. "
            "Stop that process, or name another data directory."
        )


class DataDirForeign(EmbeddedError):
    """The directory holds files, but Headgate did not make it."""

    code = "DATA_DIR_FOREIGN"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is not empty and was not made by Headgate, so nothing in it was touched. "
            "Name an empty directory, or one that does not exist yet."
        )


class DataDirTooNew(EmbeddedError):
    """A newer Headgate wrote the directory's layout."""

    code = "DATA_DIR_TOO_NEW"

    def __init__(self, path: Path, *, found: int, known: int) -> None:
        super().__init__(
            f"Data directory {path} has layout {found}; this Headgate knows up to {known}. "
            "Upgrade headgate-server, or name another data directory."
        )


class DataDirUnusable(EmbeddedError):
    """The directory's owner or permissions forbid its use."""

    code = "DATA_DIR_UNUSABLE"

    def __init__(self, path: Path, *, reason: str) -> None:
        super().__init__(f"Data directory {path} cannot be used: {reason}")


class DataDirIdle(EmbeddedError):
    """Nothing runs in the data directory now."""

    code = "DATA_DIR_IDLE"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"No `headgate-server dev` with a database of its own runs in {path}. Start it, name "
            "another folder with --data-dir, or set HEADGATE_DATABASE_URL."
        )


class PostgresMajorMismatch(EmbeddedError):
    """The cluster on disk belongs to another major version of Postgres."""

    code = "POSTGRES_MAJOR_MISMATCH"

    def __init__(self, path: Path, *, found: str, shipped: str) -> None:
        super().__init__(
            f"{path} was made by Postgres {found}; this Headgate ships Postgres {shipped}. "
            f"Dump it with the Headgate release that made it and restore it into a new data "
            f"directory, or run Postgres {found} yourself and set HEADGATE_DATABASE_URL."
        )


class ServiceFailed(EmbeddedError):
    """A service did not start, or kept dying."""

    code = "EMBEDDED_SERVICE_FAILED"

    def __init__(self, service: str, *, reason: str, log_path: Path, log_tail: str = "") -> None:
        tail = f" Its last words:\n{log_tail}" if log_tail else ""
        super().__init__(f"Embedded {service} {reason}. Its log is {log_path}.{tail}")
