"""Log lines, as text or as JSON, with what they belong to and without what is secret."""

import logging
import re
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

import orjson
from typing_extensions import override

from headgate_server.domain import ids

QUIET = ("alembic", "arq", "uvicorn")
"""Libraries that speak up from warnings on, but when debugging."""

_TOKEN = re.compile(r"\bhg_(key|agent|ses|run)_([0-9a-z]+)_[0-9a-z]+_[0-9a-z]+")
_PASSWORD = re.compile(r"(\w://[^\s:/@]*):[^\s@]+@")
_BEARER = re.compile(r"(?i)(bearer )(?!hg_)[^\s\"',]{8,}")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_NOTHING: Mapping[str, object] = MappingProxyType({})
_belongs: ContextVar[Mapping[str, object]] = ContextVar("belongs", default=_NOTHING)


class ShownId:
    """An id as callers know it, put into words only where a line is written."""

    def __init__(self, kind: ids.Kind, id_: UUID) -> None:
        self._kind = kind
        self._id = id_

    @override
    def __str__(self) -> str:
        return ids.show(self._kind, self._id)


@contextmanager
def belonging(**fields: object) -> Generator[None]:
    """Name what the log lines of a block belong to, such as ``request_id``; None is left out."""
    given = {name: value for name, value in fields.items() if value is not None}
    token = _belongs.set({**_belongs.get(), **given})
    try:
        yield
    finally:
        _belongs.reset(token)


def without_secrets(text: str) -> str:
    """Return a text without the secrets of tokens and the passwords of addresses in it."""
    text = _TOKEN.sub(r"hg_\1_\2_***", text)
    text = _PASSWORD.sub(r"\1:***@", text)
    return _BEARER.sub(r"\1***", text)


def on_one_line(text: str) -> str:
    """Return a text in which nothing begins another line, or steers a terminal."""
    return _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


class Lines(logging.Formatter):
    """Lines for people: time, level, logger, message, and what it belongs to."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    @override
    def formatMessage(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={value}" for name, value in _fields(record).items())
        return on_one_line(f"{super().formatMessage(record)}{' ' if fields else ''}{fields}")

    @override
    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))


class JsonLines(logging.Formatter):
    """Lines for machines: one JSON object each."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
        }
        for name, value in _fields(record).items():
            line[name] = without_secrets(value) if isinstance(value, str) else value
        if record.exc_info:
            line["exception"] = without_secrets(self.formatException(record.exc_info))
        return orjson.dumps(line, default=lambda value: without_secrets(str(value))).decode()


def configure(*, level: str, is_json: bool) -> None:
    """Log to standard error from a level on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if is_json else Lines())
    handler.addFilter(stamp)
    logging.basicConfig(level=level, handlers=[handler])
    if level != "DEBUG":
        for name in QUIET:
            logging.getLogger(name).setLevel(logging.WARNING)


def stamp(record: logging.LogRecord) -> bool:
    """Put on a record what it belongs to, unless it says so itself."""
    for name, value in _belongs.get().items():
        if getattr(record, name, None) is None:
            setattr(record, name, value)
    return True


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {
        name: value
        for name, value in record.__dict__.items()
        if name not in _STANDARD and value is not None
    }
