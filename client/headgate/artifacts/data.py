"""What artifacts hold: checked as the server does, and with secrets masked."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import orjson

from headgate.engine.stored_secrets import check_stored
from headgate.errors import ArtifactError
from headgate.texts import cut, storable_json, text_of

TYPES = ("markdown", "table", "link", "image", "progress", "result")
MAX_DATA_BYTES = 1024 * 1024
MAX_METADATA_BYTES = 64 * 1024
MAX_DESCRIPTION = 10_000
_MAX_URL = 8_000
_SCHEMES = (
    "http:",
    "https:",
    "s3:",
    "s3a:",
    "gs:",
    "abfs:",
    "abfss:",
    "wasbs:",
    "az:",
    "adl:",
    "file:",
    "ftp:",
    "sftp:",
    "dbfs:",
    "hdfs:",
    "mailto:",
)
"""What the server takes of an address: nothing that a browser would run."""
_IMAGE_IN_TEXT = re.compile(
    r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}", re.ASCII
)
_KEY = re.compile(r"[a-z0-9](?:[a-z0-9_.-]{0,98}[a-z0-9])?")


def check_key(key: str | None) -> None:
    """Go on with a key, or none.

    Raises:
        ArtifactError: it is not one.
        ParameterError: a secret that this process has read is in it.
    """
    check_stored(
        key or "",
        what="The key of an artifact",
        where="the workspace",
        instead="name it without",
    )
    if key is not None and not _KEY.fullmatch(key):
        message = (
            f"{key!r} is no key: it has 1 to 100 lower-case letters, digits, dots, hyphens and "
            "underscores, and starts and ends with a letter or digit"
        )
        raise ArtifactError(message)


def metadata_of(metadata: Mapping[str, Any] | None) -> Any:
    """Return metadata with secrets masked, as JSON that the server can hold.

    Raises:
        ArtifactError: they contain themselves, or are too large.
    """
    if metadata is None:
        return None
    return data_of(dict(metadata), what="metadata", most_bytes=MAX_METADATA_BYTES)


def data_of(value: Any, *, what: str = "data", most_bytes: int = MAX_DATA_BYTES) -> Any:
    """Return data with secrets masked, as JSON that the server can hold.

    Raises:
        ArtifactError: they contain themselves, or are too large.
    """
    try:
        data = storable_json(value)
        size = len(orjson.dumps(data))
    except RecursionError:
        message = f"The {what} of an artifact contain themselves"
        raise ArtifactError(message) from None
    if size > most_bytes:
        message = (
            f"The {what} of an artifact have {size:,} bytes as JSON, and may have "
            f"{most_bytes:,}: put them into storage of your own, and create a link to it"
        )
        raise ArtifactError(message)
    return data


def check_kind(data: Any, *, type: str) -> None:
    """Go on with data that are of a type, as the server judges it.

    Raises:
        ArtifactError: they are not, or there is no such type; or an address is of a kind that no
            page may show.
    """
    if type not in TYPES:
        message = f"There is no artifact of type {type!r}; it is one of {', '.join(TYPES)}"
        raise ArtifactError(message)
    if type == "table" and not _is_table(data):
        message = (
            "A table is a list of rows, each an object or a list, or an object of columns, not "
            f"{_shown(data)}"
        )
        raise ArtifactError(message)
    if type in ("link", "image"):
        _check_address(data, type=type)
    if type == "markdown" and not isinstance(data, str):
        message = f"Markdown is a text, not {_shown(data)}"
        raise ArtifactError(message)
    if type == "progress":
        if isinstance(data, bool) or not isinstance(data, int | float):
            message = f"Progress is a number, not {_shown(data)}"
            raise ArtifactError(message)
        progress_of(data)


def _check_address(data: Any, *, type: str) -> None:
    """Go on with the address of a link or an image, and the text of a link."""
    found = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    url, text = found.get("url"), found.get("text")
    if not (_is_address(url) or (type == "image" and _is_image(url))):
        message = (
            f"{_shown(url)} is no address of {'an' if type == 'image' else 'a'} {type}: it "
            f"is relative, or of one of {' '.join(_SCHEMES)}, in at most "
            f"{_MAX_URL:,} characters without line breaks"
        )
        if type == "image":
            message += "; or data:image/ and png, jpeg, gif or webp, ;base64, and the image"
        raise ArtifactError(message)
    if text is not None and not isinstance(text, str):
        message = f"The text of a link is a text, not {_shown(text)}"
        raise ArtifactError(message)
    known = ("url",) if type == "image" else ("url", "text")
    for name in found.keys() - known:
        message = f"The data of {type} artifacts have {' and '.join(known)} only, not {name!r}"
        raise ArtifactError(message)


def _shown(value: Any) -> str:
    return cut(repr(value), limit=80)


def _is_table(data: Any) -> bool:
    if not isinstance(data, dict | list):
        return False
    held = cast("dict[str, Any] | list[Any]", data)
    rows = held.values() if isinstance(held, dict) else held
    return all(isinstance(row, dict | list) for row in rows)


def _is_address(url: Any) -> bool:
    if not isinstance(url, str) or not 0 < len(url) <= _MAX_URL or not url.isprintable():
        return False
    scheme, colon, _ = url.partition(":")
    is_relative = not colon or "/" in scheme or "#" in scheme or "?" in scheme
    return is_relative or f"{scheme.lower()}:" in _SCHEMES


def _is_image(url: Any) -> bool:
    return isinstance(url, str) and _IMAGE_IN_TEXT.fullmatch(url) is not None


def description_of(text: str | None) -> str | None:
    """Return a description with secrets masked.

    Raises:
        ArtifactError: it is over-long.
    """
    if text is None:
        return None
    shown = str(storable_json(text_of(text)))
    if len(shown) > MAX_DESCRIPTION:
        message = f"The description of an artifact has at most {MAX_DESCRIPTION:,} characters"
        raise ArtifactError(message)
    return shown


def progress_of(progress: float) -> float:
    """Return a progress from 0 to 100.

    Raises:
        ArtifactError: it is beyond that.
    """
    if not 0 <= progress <= 100:
        message = f"Progress is from 0 to 100, not {progress!r}"
        raise ArtifactError(message)
    return float(progress)


def without_nan(value: Any) -> Any:
    """Return a table whose floats JSON knows; what is none of JSON's types becomes text later."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        return {key: without_nan(inner) for key, inner in items}
    if isinstance(value, list | tuple):
        return [without_nan(inner) for inner in cast("Sequence[Any]", value)]
    return value
