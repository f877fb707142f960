"""Texts and documents on their way out: what user code makes may be long, odd or unspeakable.

Everything that goes to the server or to disk passes through here, so that no text of a user's can
cost a report: what no one else could read is replaced, what is too long is cut.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from headgate.redaction import MASK, redactor

MAX_FLOW_RUN_NAME = 200
MAX_TASK_RUN_NAME = 300
MAX_STATE_NAME = 100
MAX_LOGGER_NAME = 200
MAX_KEY = 300
"""Of a task key and of a cache key."""
MAX_TAG = 100
MAX_TAGS = 50

_PLAIN, _COLOURED = "\x1b[0m", "\x1b["
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_ORDER = re.compile(rf"(?P<colour>\x1b\[[0-9;]*m)|{_CONTROL.pattern}")
_MAX_NUMBER = 2**63
"""JSON knows no bound, the encoder one of 64 bits."""


def storable(text: str) -> str:
    """Return a text that may leave: secrets are masked, lone surrogates become "?", NUL U+FFFD."""
    if redactor.is_needed:
        text = redactor.redact(text)
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    if text.isascii():
        # Of a subclass, such as a member of an enumeration, the plain text.
        return str.__str__(text)
    return text.encode("utf-8", "replace").decode("utf-8")


def visible(text: str) -> str:
    r"""Return a text as a terminal may show it: others wrote it, so it gives no orders there.

    Colours stay, and end with the text; any other control character but tabs and line ends becomes
    its escape, such as ``\x07``, and so does what turns the direction of writing around.
    """
    if not _CONTROL.search(text):
        return text
    shown = _ORDER.sub(lambda found: found[0] if found["colour"] else _escape(found[0]), text)
    return shown + _PLAIN if _COLOURED in shown else shown


def _escape(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii")


def text_of(value: object, *, as_text: Callable[[Any], str] = str) -> str:
    """Return ``str(value)``, or what it is where its own ``__str__`` raises.

    Args:
        as_text: ``repr`` for the other form.
    """
    try:
        return as_text(value)
    except Exception as error:  # noqa: BLE001 - user code: nothing depends on how a value looks
        return f"<{type(value).__qualname__}, whose text raises {type(error).__name__}>"


def error_text(error: BaseException) -> str:
    """Return an exception as the last line of its traceback has it: its type and its message."""
    return f"{type(error).__name__}: {text_of(error)}"


def cut(text: str, *, limit: int) -> str:
    """Return a storable text of at most so many characters; one that was cut ends in "…"."""
    text = storable(text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def label(value: object, *, limit: int) -> str:
    """Return a name or tag as the server takes it: one printable line, cut where it is too long."""
    text = cut(text_of(value), limit=limit)
    if text.isprintable():
        return text
    return "".join(_printable(character) for character in text)


def _printable(character: str) -> str:
    if character.isspace():
        return " "
    return character if character.isprintable() else "\ufffd"


def tag_labels(tags: Iterable[object]) -> list[str]:
    """Return the tags that are reported, sorted: at most 50, each of 1 to 100 characters."""
    return sorted({label(tag, limit=MAX_TAG) for tag in tags} - {""})[:MAX_TAGS]


def storable_json(value: Any, *, other: Callable[[Any], Any] = text_of) -> Any:
    """Return a value with storable texts and keys; a number that is a secret is masked.

    Args:
        other: what stands for a value that is of none of JSON's types.

    Raises:
        RecursionError: it contains itself.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, int | float) and redactor.hides(value):
        return MASK
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):
        return int(value) if -_MAX_NUMBER <= value < _MAX_NUMBER else str(value)
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        return {storable(text_of(key)): storable_json(item, other=other) for key, item in items}
    if isinstance(value, list | tuple | set | frozenset):
        return [storable_json(item, other=other) for item in cast("Iterable[Any]", value)]
    return storable_json(other(value), other=other)
