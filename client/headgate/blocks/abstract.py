"""Bases of kinds of blocks: what each kind can do, for code that takes any block of it."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from headgate import elsewhere
from headgate.blocks.core import Block
from headgate.errors import BlockError, MissingContextError
from headgate.logs import get_logger, get_run_logger


class _Logs:
    @property
    def logger(self) -> Any:
        """The logger of the run around this call; elsewhere one of the class."""
        try:
            return get_run_logger()
        except MissingContextError:
            return get_logger(type(self).__name__)


class CredentialsBlock(_Logs, Block, ABC):
    """Signs in somewhere."""

    @abstractmethod
    def get_client(self, *args: Any, **kwargs: Any) -> Any:
        """Return a client that is signed in."""


class NotificationError(BlockError):
    """Nobody was told."""

    def __init__(self, log: str) -> None:
        super().__init__(log)
        self.log = log


class NotificationBlock(_Logs, Block, ABC):
    """Tells people something."""

    @abstractmethod
    def notify(self, body: str, subject: str | None = None) -> Any:
        """Tell a text."""


class JobRun(_Logs, ABC):
    """A job that was started elsewhere."""

    @abstractmethod
    def wait_for_completion(self) -> Any:
        """Wait until the job is over."""

    @abstractmethod
    def fetch_result(self) -> Any:
        """Return what the job came to."""


class JobBlock(_Logs, Block, ABC):
    """Starts jobs elsewhere."""

    @abstractmethod
    def trigger(self) -> Any:
        """Start the job, and return its run."""


class DatabaseBlock(_Logs, Block, ABC):
    """Asks a database."""

    @abstractmethod
    def fetch_one(self, operation: str, parameters: Any = None, **options: Any) -> Any:
        """Return one row; None where there is none."""

    @abstractmethod
    def fetch_many(
        self, operation: str, parameters: Any = None, size: int | None = None, **options: Any
    ) -> Any:
        """Return some rows."""

    @abstractmethod
    def fetch_all(self, operation: str, parameters: Any = None, **options: Any) -> Any:
        """Return every row."""

    @abstractmethod
    def execute(self, operation: str, parameters: Any = None, **options: Any) -> Any:
        """Do something that returns no rows."""

    @abstractmethod
    def execute_many(self, operation: str, seq_of_parameters: Any, **options: Any) -> Any:
        """Do something for each of several parameters."""


class SecretBlock(_Logs, Block, ABC):
    """Keeps a secret elsewhere."""

    @abstractmethod
    def read_secret(self) -> Any:
        """Return the secret."""

    @abstractmethod
    def write_secret(self, secret_data: Any) -> Any:
        """Keep another secret."""


if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
