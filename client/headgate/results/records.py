"""A kept result as bytes: one line about it, and the value after it.

Both are one object in whatever storage, so that no reader finds the one without the other.
"""

import hashlib
from typing import Any

import msgspec

from headgate.errors import ResultError
from headgate.serializers import make_serializer
from headgate.texts import error_text

_MARK = b"headgate-result/1 "


class ResultRecord(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is kept about a result.

    Args:
        key: what it was kept under.
        serializer: the name of what wrote the value.
        checksum: the SHA-256 of the value's bytes, in hexadecimal.
        size_bytes: of the value.
        written_us: microseconds since the epoch, UTC.
        expires_us: from when on it counts no more; None for never.
        since: the number of the state in which the run that kept it had begun anew last.
        masked: the secrets in the value, which its readers mask: a list that its serializer has
            written, in Base64.
    """

    key: str
    serializer: str
    checksum: str
    size_bytes: int
    written_us: int
    expires_us: int | None = None
    task: str | None = None
    task_run_id: str | None = None
    flow_run_id: str | None = None
    since: int = 0
    masked: bytes = b""

    def is_expired(self, now_us: int) -> bool:
        """Whether it counts no more."""
        return self.expires_us is not None and self.expires_us <= now_us


def encode_record(record: ResultRecord, value: bytes) -> bytes:
    """Return a record with the bytes of its value."""
    return b"".join((_MARK, msgspec.json.encode(record), b"\n", value))


def checksum_of(value: bytes) -> str:
    """Return the checksum of a value's bytes."""
    return hashlib.sha256(value).hexdigest()


def decode_record(data: bytes) -> tuple[ResultRecord, bytes]:
    """Return a record and the bytes of its value.

    Raises:
        ResultError: it is no record, or not whole.
    """
    line, separator, value = data.partition(b"\n")
    if not separator or not line.startswith(_MARK):
        message = "it is no kept result"
        raise ResultError(message)
    try:
        record = msgspec.json.decode(line[len(_MARK) :], type=ResultRecord)
    except msgspec.DecodeError as error:
        message = f"its first line cannot be read: {error}"
        raise ResultError(message) from error
    if record.checksum != checksum_of(value):
        message = "its checksum is another: it was changed, or is not whole"
        raise ResultError(message)
    return record, value


def read_value(record: ResultRecord, value: bytes, *, serializer: Any = None) -> Any:
    """Return the value that the bytes of a record stand for.

    Args:
        serializer: the task's own, used where it is the one that wrote them.

    Raises:
        ResultError: they cannot be read here.
    """
    try:
        if serializer is None or serializer.type != record.serializer:
            serializer = make_serializer(record.serializer)
        return serializer.loads(value)
    except Exception as error:
        message = f"its value cannot be read here: {error_text(error)}"
        raise ResultError(message) from error
