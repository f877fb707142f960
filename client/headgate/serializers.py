"""Serializers: how the result of a task becomes bytes, and a value again."""

import importlib
import io
import json
import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from headgate import elsewhere
from headgate.errors import ResultTooLargeError, SerializationError
from headgate.texts import text_of

_CLASS, _DATA = "__class__", "data"


class Serializer(ABC):
    """Turns values into bytes and back; ``type`` is the name that a record keeps of it."""

    type: ClassVar[str] = ""

    @abstractmethod
    def dumps(self, value: Any, *, limit_bytes: int | None = None) -> bytes:
        """Return the bytes that stand for a value.

        Args:
            limit_bytes: how many they may be at most; None for any number.

        Raises:
            SerializationError: nothing can stand for it.
            ResultTooLargeError: they would be more.
        """

    @abstractmethod
    def loads(self, data: bytes) -> Any:
        """Return the value that bytes stand for."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(self.type)


class PickleSerializer(Serializer):
    """Pickles values; what only its own process knows, such as a lambda, with cloudpickle.

    Who can write where results are kept can run code in whoever reads them.
    """

    type = "pickle"

    def dumps(self, value: Any, *, limit_bytes: int | None = None) -> bytes:
        """Return the pickle of a value."""
        file = _Bounded(limit_bytes)
        try:
            pickle.dump(value, file, protocol=5)
        except (ResultTooLargeError, MemoryError):
            raise
        except Exception as plain:  # noqa: BLE001 - user code: whatever pickling it raises
            try:
                return _fitting(cloudpickled(value), limit_bytes)
            except (ResultTooLargeError, MemoryError):
                raise
            except Exception as error:
                raise SerializationError(text_of(plain)) from error
        return file.getvalue()

    def loads(self, data: bytes) -> Any:
        """Return the value of a pickle."""
        return pickle.loads(data)  # noqa: S301 - the user's own, from the user's own storage


class JSONSerializer(Serializer):
    """Writes JSON: texts, numbers, lists, mappings by text, and Pydantic models.

    Args:
        object_encoder: turns anything else into one of these.
        object_decoder: called with each mapping that is read, as ``json.loads`` does.
    """

    type = "json"

    def __init__(
        self,
        *,
        object_encoder: Callable[[Any], Any] | None = None,
        object_decoder: Callable[[dict[str, Any]], Any] | None = None,
    ) -> None:
        self.object_encoder = object_encoder or encode_model
        self.object_decoder = object_decoder or decode_model

    def dumps(self, value: Any, *, limit_bytes: int | None = None) -> bytes:
        """Return the JSON of a value."""
        try:
            text = json.dumps(value, default=self.object_encoder, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise SerializationError(text_of(error)) from error
        return _fitting(text.encode("utf-8", "surrogatepass"), limit_bytes)

    def loads(self, data: bytes) -> Any:
        """Return the value of a JSON text."""
        return json.loads(data.decode("utf-8", "surrogatepass"), object_hook=self.object_decoder)


_COMPRESSIONS = ("lzma", "zlib", "bz2")


class CompressedSerializer(Serializer):
    """Compresses what another serializer writes.

    Args:
        serializer: the other one, or its name.
        compressionlib: lzma, zlib or bz2.

    Raises:
        ValueError: no such serializer, or no such library.
    """

    def __init__(self, serializer: "Serializer | str", *, compressionlib: str = "lzma") -> None:
        if compressionlib not in _COMPRESSIONS:
            message = f"compressionlib is one of {', '.join(_COMPRESSIONS)}, not {compressionlib!r}"
            raise ValueError(message)
        self.serializer = make_serializer(serializer)
        self.compressionlib = compressionlib

    @property
    def type(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride] - of the other one
        """Its name, with that of the other one and of what compresses."""
        suffix = "" if self.compressionlib == "lzma" else f"@{self.compressionlib}"
        return f"compressed/{self.serializer.type}{suffix}"

    def dumps(self, value: Any, *, limit_bytes: int | None = None) -> bytes:
        """Return the compressed bytes."""
        written = self.serializer.dumps(value)
        return _fitting(self._library.compress(written), limit_bytes)

    def loads(self, data: bytes) -> Any:
        """Return the value again."""
        return self.serializer.loads(self._library.decompress(data))

    @property
    def _library(self) -> Any:
        return importlib.import_module(self.compressionlib)


def CompressedPickleSerializer() -> CompressedSerializer:  # noqa: N802 - Prefect's name
    """Return a serializer that compresses pickles."""
    return CompressedSerializer(PickleSerializer())


def CompressedJSONSerializer() -> CompressedSerializer:  # noqa: N802 - Prefect's name
    """Return a serializer that compresses JSON."""
    return CompressedSerializer(JSONSerializer())


def make_serializer(declared: "Serializer | str | None") -> Serializer:
    """Return a serializer by its name, such as ``compressed/json``; the pickling one for None.

    Raises:
        ValueError: there is none of this name.
    """
    if isinstance(declared, Serializer):
        return declared
    name, _, library = (declared or "pickle").partition("@")
    if name.startswith("compressed/"):
        inner = name.removeprefix("compressed/")
        return CompressedSerializer(inner, compressionlib=library or "lzma")
    if name == "pickle":
        return PickleSerializer()
    if name == "json":
        return JSONSerializer()
    message = f"There is no serializer {declared!r}: pickle, json, compressed/pickle, ..."
    raise ValueError(message)


def encode_model(value: Any) -> Any:
    """Return what stands in JSON for a Pydantic model.

    Raises:
        TypeError: it is none.
    """
    kind = cast("Any", type(value))
    if not hasattr(kind, "__pydantic_fields__"):
        message = f"JSON has no {kind.__name__}"
        raise TypeError(message)
    return {_CLASS: f"{kind.__module__}:{kind.__qualname__}", _DATA: value.model_dump(mode="json")}


def decode_model(read: dict[str, Any]) -> Any:
    """Return the Pydantic model that a mapping stands for, or the mapping where it is none."""
    if read.keys() != {_CLASS, _DATA} or not isinstance(read[_CLASS], str):
        return read
    module, _, path = cast("str", read[_CLASS]).partition(":")
    found: Any = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    if not hasattr(found, "__pydantic_fields__"):
        return read
    return found.model_validate(read[_DATA])


def cloudpickled(value: Any) -> bytes:
    """Return the cloudpickle of a value: with the code of what no module could be asked for."""
    cloudpickle: Any = importlib.import_module("cloudpickle")
    return cloudpickle.dumps(value, protocol=5)


class _Bounded(io.BytesIO):
    """Bytes in memory that refuse to become too many."""

    def __init__(self, limit_bytes: int | None) -> None:
        super().__init__()
        self._limit = limit_bytes

    def write(self, data: Any, /) -> int:
        if self._limit is not None and self.tell() + memoryview(data).nbytes > self._limit:
            raise _too_large(self._limit)
        return super().write(data)


def _fitting(data: bytes, limit_bytes: int | None) -> bytes:
    if limit_bytes is not None and len(data) > limit_bytes:
        raise _too_large(limit_bytes)
    return data


def _too_large(limit_bytes: int) -> ResultTooLargeError:
    return ResultTooLargeError(f"it has more than {limit_bytes:,} bytes")


if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
