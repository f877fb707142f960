"""A store of results: a storage with a serializer, which writes records and reads them."""

from dataclasses import dataclass
from typing import Any

from headgate.clock import now_us
from headgate.errors import ResultError
from headgate.results.records import (
    ResultRecord,
    checksum_of,
    decode_record,
    encode_record,
    read_value,
)
from headgate.results.storages import ResultStorage
from headgate.serializers import Serializer


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Which task made a result, and since which state its run had begun anew."""

    task: str | None = None
    task_run_id: str | None = None
    flow_run_id: str | None = None
    since: int = 0


@dataclass(frozen=True, slots=True)
class FoundResult:
    """A result that was kept, with what is kept about it."""

    record: ResultRecord
    value: Any


@dataclass(frozen=True, slots=True)
class Results:
    """Reads and writes results; several may share a storage."""

    storage: ResultStorage
    serializer: Serializer

    def write(
        self,
        path: str,
        value: Any,
        *,
        key: str,
        origin: Origin,
        expires_us: int | None = None,
        limit_bytes: int | None = None,
    ) -> ResultRecord:
        """Keep a value at a path, in the place of whatever was kept there.

        Args:
            key: what the record says it is kept under.
            expires_us: from when on it counts no more; None for never.
            limit_bytes: how many bytes it may have at most; None for any number.

        Raises:
            SerializationError: nothing can stand for the value.
            ResultTooLargeError: it has more bytes.
            OSError: the storage did not take it.
        """
        data = self.serializer.dumps(value, limit_bytes=limit_bytes)
        record = ResultRecord(
            key=key,
            serializer=self.serializer.type,
            checksum=checksum_of(data),
            size_bytes=len(data),
            written_us=now_us(),
            expires_us=expires_us,
            task=origin.task,
            task_run_id=origin.task_run_id,
            flow_run_id=origin.flow_run_id,
            since=origin.since,
        )
        self.storage.write(path, encode_record(record, data))
        return record

    def find(self, path: str, *, key: str) -> FoundResult | None:
        """Return what is kept at a path under a key; None where nothing is, or it has expired.

        Raises:
            ResultError: it is not whole, or cannot be read here.
            OSError: the storage did not answer.
        """
        data = self.storage.read(path)
        if data is None:
            return None
        record, written = decode_record(data)
        if record.key != key:
            message = f"it was kept under another key, {record.key!r}"
            raise ResultError(message)
        if record.is_expired(now_us()):
            return None
        return FoundResult(record, read_value(record, written, serializer=self.serializer))
