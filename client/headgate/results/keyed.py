"""``ResultStore``: results by key, as transactions keep them; the name is Prefect's."""

from typing import Any

from headgate.errors import ResultError, SettingsError
from headgate.hashing import hash_values
from headgate.locking.protocol import IsolationLevel, LockManager
from headgate.results.storages import make_storage
from headgate.results.stores import Origin, Results
from headgate.serializers import Serializer, make_serializer
from headgate.settings import load_settings

FOLDER = "transactions"


class ResultStore:
    """Keeps values under keys, and locks the keys.

    Args:
        result_storage: where: a folder, a block, or its ``type-slug/name``; the configured one if
            not said.
        serializer: what writes them, or its name.
        lock_manager: what keeps others away; without one, nothing does.
    """

    def __init__(
        self,
        *,
        result_storage: Any = None,
        serializer: Serializer | str | None = None,
        lock_manager: LockManager | None = None,
    ) -> None:
        settings = load_settings()
        named = result_storage or settings.result_storage or settings.results_folder
        written_by = make_serializer(serializer or settings.result_serializer)
        self._results = Results(make_storage(named), written_by)
        self.lock_manager = lock_manager

    def exists(self, key: str) -> bool:
        """Whether there is a value that counts."""
        return self._results.find(_path(key), key=key) is not None

    def read(self, key: str, *, holder: str | None = None) -> Any:
        """Return the value of a key.

        Raises:
            ResultError: there is none, or it cannot be read here.
        """
        del holder
        found = self._results.find(_path(key), key=key)
        if found is None:
            message = f"nothing is kept under {key!r}"
            raise ResultError(message)
        return found.value

    def write(self, value: Any, *, key: str, holder: str | None = None) -> None:
        """Keep a value under a key, in the place of the one before.

        Raises:
            SerializationError: nothing can stand for the value.
            OSError: the storage did not take it.
        """
        del holder
        self._results.write(_path(key), value, key=key, origin=Origin())

    def supports_isolation_level(self, level: str) -> bool:
        """Whether others can be kept away as the level asks for."""
        return level != IsolationLevel.SERIALIZABLE or self.lock_manager is not None

    def acquire_lock(self, key: str, holder: str, timeout: float | None = None) -> bool:
        """Wait for the lock of a key, and say whether the holder has it.

        Raises:
            SettingsError: the store has no lock manager.
        """
        return self._manager().acquire_lock(key, holder, timeout)

    def release_lock(self, key: str, holder: str) -> None:
        """Give the lock of a key back.

        Raises:
            ValueError: the holder does not have it.
            SettingsError: the store has no lock manager.
        """
        self._manager().release_lock(key, holder)

    def _manager(self) -> LockManager:
        if self.lock_manager is None:
            message = "The result store has no lock manager: ResultStore(lock_manager=…)"
            raise SettingsError(message)
        return self.lock_manager


def _path(key: str) -> str:
    hashed = hash_values(key)
    return f"{FOLDER}/{hashed[:2]}/{hashed}"
