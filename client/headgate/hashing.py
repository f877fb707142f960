"""One hash for equal values, in every process: what cache keys are made of."""

import dataclasses
import hashlib
import pickle
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, cast

from headgate.errors import ResultTooLargeError, SerializationError
from headgate.serializers import cloudpickled
from headgate.texts import text_of

HASH_CHARACTERS = 32
"""Of a hash: 128 bits in hexadecimal."""

_WRITTEN = frozenset(
    {
        "builtins.range",
        "datetime.date",
        "datetime.datetime",
        "datetime.time",
        "datetime.timedelta",
        "decimal.Decimal",
        "pathlib.PosixPath",
        "pathlib.PurePosixPath",
        "pathlib.WindowsPath",
        "uuid.UUID",
    }
)
"""What its type and its ``repr`` say all of; by name, so that nobody imports them for it."""


def hash_values(*values: Any, limit_bytes: int | None = None) -> str:
    """Return a hash of values: the same for equal ones, in whichever process.

    Containers, numbers, texts, dates, dataclasses and Pydantic models are hashed by what is in
    them; anything else by how it is pickled.

    Args:
        limit_bytes: how much may be hashed at most; None for anything.

    Raises:
        SerializationError: a value cannot be pickled.
        ResultTooLargeError: there is more of them.
    """
    hasher = _Hasher(_Shared(limit_bytes))
    for value in values:
        hasher.add(value)
    return hasher.hexdigest()


class _Shared:
    """What the hashers of one call have in common.

    Args:
        limit: how many bytes may be hashed; None for any.
    """

    __slots__ = ("known", "left", "limit")

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self.left = limit
        self.known: dict[int, tuple[Any, bytes]] = {}
        """Hashes by the id of what they are of, which stays alive meanwhile."""


class _Hasher:
    """Hashes values one behind another; what is in one has a hash of its own, made once."""

    __slots__ = ("_digest", "_shared")

    def __init__(self, shared: _Shared) -> None:
        self._digest = hashlib.sha256()
        self._shared = shared

    def hexdigest(self) -> str:
        return self._digest.hexdigest()[:HASH_CHARACTERS]

    def add(self, value: Any) -> None:
        try:
            self._add(value)
        except RecursionError:
            self._pickled(value)

    def _update(self, tag: str, data: bytes) -> None:
        shared = self._shared
        if shared.left is not None:
            shared.left -= len(data)
            if shared.left < 0:
                message = f"The values have more than {shared.limit:,} bytes"
                raise ResultTooLargeError(message)
        self._digest.update(f"{tag}:{len(data)}:".encode())
        self._digest.update(data)

    def _add(self, value: Any) -> None:
        kind = cast("Any", type(value))
        if kind in _PLAIN:
            self._update(kind.__name__, _PLAIN[kind](value))
            return
        known = self._shared.known.get(id(value))
        if known is None:
            inner = _Hasher(self._shared)
            inner._inside(value, kind)
            known = self._shared.known[id(value)] = (value, inner._digest.digest())
        self._update("value", known[1])

    def _inside(self, value: Any, kind: Any) -> None:
        if kind in (list, tuple):
            self._update(kind.__name__, str(len(value)).encode())
            for item in value:
                self._add(item)
        elif kind in (set, frozenset):
            self._update(kind.__name__, b"".join(sorted(self._apart(item) for item in value)))
        elif isinstance(value, Mapping):
            self._mapping(cast("Mapping[Any, Any]", value))
        else:
            self._object(value)

    def _apart(self, value: Any) -> bytes:
        """Return the hash of a value by itself, for what has no order of its own."""
        inner = _Hasher(self._shared)
        inner._add(value)
        return inner._digest.digest()

    def _mapping(self, value: Mapping[Any, Any]) -> None:
        self._update(_name_of(value), str(len(value)).encode())
        pairs = sorted((self._apart(key), key) for key in value) if len(value) > 1 else []
        for digest, key in pairs or [(self._apart(key), key) for key in value]:
            self._update("key", digest)
            self._add(value[key])

    def _object(self, value: Any) -> None:
        name = _name_of(value)
        fields = _fields_of(value)
        if isinstance(value, Enum):
            self._update(name, value.name.encode())
        elif name in _WRITTEN:
            self._update(name, repr(value).encode())
        elif fields is not None:
            self._update(name, str(len(fields)).encode())
            for field, inner in fields.items():
                self._update("field", field.encode())
                self._add(inner)
        else:
            self._pickled(value)

    def _pickled(self, value: Any) -> None:
        try:
            data = pickle.dumps(value, protocol=5)
        except Exception as plain:  # noqa: BLE001 - user code: whatever pickling it raises
            data = _cloudpickled(value, plain)
        self._update(_name_of(value), data)


_PLAIN: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda _: b"",
    bool: lambda value: b"1" if value else b"0",
    int: lambda value: value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True),
    float: lambda value: value.hex().encode(),
    complex: lambda value: repr(value).encode(),
    str: lambda value: value.encode("utf-8", "surrogatepass"),
    bytes: lambda value: value,
    bytearray: bytes,
}


def _fields_of(value: Any) -> dict[str, Any] | None:
    """Return what is in a dataclass or a Pydantic model; None for anything else."""
    if isinstance(value, type):
        return None
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
    kind = cast("Any", type(value))
    if hasattr(kind, "__pydantic_fields__"):
        extra = cast("dict[str, Any] | None", getattr(value, "__pydantic_extra__", None))
        return {**vars(value), **(extra or {})}
    return None


def _cloudpickled(value: Any, plain: Exception) -> bytes:
    try:
        return cloudpickled(value)
    except Exception:  # noqa: BLE001 - user code: what plain pickling said tells more
        message = f"a {_name_of(value)} cannot be pickled: {text_of(plain)}"
        raise SerializationError(message) from plain


def _name_of(value: Any) -> str:
    kind = cast("Any", type(value))
    return f"{kind.__module__}.{kind.__qualname__}"
