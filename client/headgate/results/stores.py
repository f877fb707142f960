"""A store of results: a storage with a serializer, which writes records and reads them."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from headgate.clock import now_us
from headgate.errors import ResultError, SerializationError
from headgate.redaction import redactor
from headgate.results.records import (
    ResultRecord,
    checksum_of,
    decode_record,
    encode_record,
    read_value,
)
from headgate.results.storages import ResultStorage
from headgate.serializers import JSONSerializer, PickleSerializer, Serializer
from headgate.texts import text_of

logger = logging.getLogger("headgate.results")


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
            masked=self._masked(value, data, path=path),
        )
        self.storage.write(path, encode_record(record, data))
        return record

    def find(
        self, path: str, *, key: str, mask: Callable[[list[str]], None] = redactor.add
    ) -> FoundResult | None:
        """Return what is kept at a path under a key; None where nothing is, or it has expired.

        Args:
            mask: called before the value is read, with the secrets that its writer knew in it.

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
        if record.masked:
            mask(read_value(record, record.masked, serializer=self.serializer))
        return FoundResult(record, read_value(record, written, serializer=self.serializer))

    def _masked(self, value: Any, data: bytes, *, path: str) -> bytes:
        """Return the secrets in a value as the serializer writes them, which may encrypt."""
        if not redactor.is_needed:
            return b""
        if type(self.serializer) not in (PickleSerializer, JSONSerializer):
            try:
                data = PickleSerializer().dumps(value)
            except SerializationError:
                data = text_of(value).encode("utf-8", "replace")
        found = redactor.found_in(data)
        try:
            return self.serializer.dumps(found) if found else b""
        except Exception as error:  # noqa: BLE001 - user code: it may write values of one kind alone
            logger.warning(
                "Whoever reads %s does not learn that secrets are in it: its serializer cannot "
                "write a list of texts (%s)",
                path,
                text_of(error),
            )
            return b""
