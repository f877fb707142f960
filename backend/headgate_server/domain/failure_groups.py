"""Failure groups: runs of a flow that failed alike, told by a fingerprint of how they failed.

The fingerprint is of the exception's type, the frames of the user's own code and the message
without what differs from run to run. Line numbers are not in it: another line above does not make
another failure.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any, cast
from uuid import UUID

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.tenancy import Actor

MAX_FRAMES = 20
"""The innermost frames count: deep recursion would make a group for each depth."""
MAX_MESSAGE_LENGTH = 500
MAX_SEARCH_LENGTH = 200
MAX_READ_LENGTH = 2_000
"""So much of a message is looked at: patterns over a megabyte would hold the loop up."""
MAX_TRACEBACK_LENGTH = 100_000
"""And so much of a traceback, from its end: what lies there is innermost."""

_FRAME = re.compile(r'File "(?P<file>[^"]+)", line \d+(?:, in (?P<name>.+))?')
_BEFORE_FRAMES = " \t|"
_LIBRARY = re.compile(
    r"(?:^|/)(?:site-packages|dist-packages)/|/lib/python\d|^<frozen |^<string>$|/headgate/engine/"
)
_QUOTED = re.compile(
    r"(?:(?<![\w\\])|(?<=\b[bBfFrRuUENX])|(?<=\b[rR][bB])|(?<=\b[bB][rR])|(?<=\b(?i:date))"
    r"|(?<=\b(?i:timestamp)))"
    r"'(?:[^'\\\n]|\\.|(?<=\w)'(?=\w))*'(?!\w)"
    r"|\"(?:[^\"\\\n]|\\.)*\"|`[^`\n]*`"
)
"""A value in quotes: a single one within a word, or behind one that is no prefix of Python's or
SQL's, is an apostrophe.
"""
_CHANGING: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\b[a-z]{2,10}_[0-9a-hjkmnp-tv-z]{26}\b"), "<id>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b"), "<address>"),
    (re.compile(r"\b[a-z][a-z0-9+.-]{0,30}://[^\s'\"<>]+"), "<url>"),
    (re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{1,200}\b"), "<email>"),
    (_QUOTED, "<value>"),
    (re.compile(r"(?<![\w.])/(?:[\w.@+-]+/)+[\w.@+-]*"), "<path>"),
    (re.compile(r"\b(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{7,}\b"), "<id>"),
    (re.compile(r"[+-]?\d+(?:[.,:T-]\d+)*(?:[eE][+-]?\d+)?"), "<number>"),
)
"""What differs from run to run, and what stands for it; in this order."""
_SPACES = re.compile(r"\s+")


class FailureGroupStatus(StrEnum):
    """What people have made of a group; REGRESSED was resolved, and failed again."""

    OPEN = "OPEN"
    MUTED = "MUTED"
    RESOLVED = "RESOLVED"
    REGRESSED = "REGRESSED"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """How a run failed, without what differs from run to run."""

    key: str
    exception_type: str
    message: str
    frames: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """One end of a run in failure, as it is put into a group."""

    workspace_id: UUID
    flow_run_id: UUID
    sequence: int
    flow_id: UUID
    deployment_version_id: UUID | None
    failed_at: datetime
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Runs of one flow that failed alike."""

    workspace_id: UUID
    id: UUID
    flow_id: UUID
    fingerprint: str
    exception_type: str
    message: str
    frames: tuple[str, ...]
    status: FailureGroupStatus
    version: int
    first_seen_at: datetime
    last_seen_at: datetime
    failure_count: int
    run_count: int
    regression_count: int
    first_version_id: UUID | None
    last_version_id: UUID | None
    resolved_at: datetime | None
    regressed_at: datetime | None
    changed_by: Actor | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class GroupFilter:
    """Which groups of a workspace; None is any."""

    flow_id: UUID | None = None
    statuses: tuple[FailureGroupStatus, ...] | None = None
    words: tuple[str, ...] = ()
    """Each has to be in the type, the message or a frame, whatever its case."""


def to_words(text: str | None) -> tuple[str, ...]:
    """Return what a search for words asks for.

    Raises:
        InvalidInput: too long a text.
    """
    if text is None:
        return ()
    if len(text) > MAX_SEARCH_LENGTH:
        raise InvalidInput(
            f"A search has at most {MAX_SEARCH_LENGTH} characters.", path=["filter", "text"]
        )
    return tuple(text.split())


def fingerprint_of(
    *, state_name: str, message: str | None, details: Mapping[str, Any] | None
) -> Fingerprint:
    """Return the fingerprint of a state: of its exception, or of its name and message."""
    error: object = (details or {}).get("error")
    told: Mapping[str, Any] = cast("dict[str, Any]", error) if isinstance(error, dict) else {}
    type_ = _text(told.get("type")) or state_name
    normal = normal_message(_text(told.get("message")) or (message or "" if not told else ""))
    frames = own_frames(_text(told.get("traceback")))
    hashed = hashlib.blake2b("\x00".join([type_, normal, *frames]).encode(), digest_size=16)
    return Fingerprint(hashed.hexdigest(), type_[:300], normal, frames)


def normal_message(message: str) -> str:
    """Return a message with what differs from run to run taken out: numbers, ids, quoted values."""
    text = message[:MAX_READ_LENGTH]
    for pattern, stand_in in _CHANGING:
        text = pattern.sub(stand_in, text)
    return _SPACES.sub(" ", text).strip()[:MAX_MESSAGE_LENGTH]


def own_frames(traceback: str) -> tuple[str, ...]:
    """Return the frames of the user's own code as ``file.py:function``, outermost first.

    Where there is none, as when a library's thread fails, all frames count. Folders are left out:
    each run may have its code in another one.
    """
    lines = traceback[-MAX_TRACEBACK_LENGTH:].split("\n")
    matches = (_FRAME.match(line.lstrip(_BEFORE_FRAMES)) for line in lines)
    found = [(match["file"], match["name"] or "") for match in matches if match]
    own = [frame for frame in found if not _LIBRARY.search(frame[0].replace("\\", "/"))]
    return tuple(f"{_file(file)}:{name}" for file, name in (own or found)[-MAX_FRAMES:])


def _file(path: str) -> str:
    return PurePosixPath(path.replace("\\", "/")).name


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
