"""Searches in the logs of a workspace or of a run: what is sought, and how a match is told."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from headgate_server.domain.documents import is_storable
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.filters import MAX_TEXT_LENGTH

LogPlace = tuple[datetime, UUID, int]
"""Where a line is among all of a workspace: its time, its run, its sequence there."""


@dataclass(frozen=True, slots=True)
class LogSearch:
    """Which lines are sought; what is None does not narrow it.

    Args:
        text: what a line holds, whatever the case, from the beginning of a word on.
        min_level: at least this level.
        flow_id: of runs of this flow.
        flow_run_id: of this run.
        since: not before this time.
        until: before this time.
    """

    text: str | None = None
    min_level: int | None = None
    flow_id: UUID | None = None
    flow_run_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


def check_search(search: LogSearch) -> LogSearch:
    """Return a search that can be run.

    Raises:
        InvalidInput: an over-long text, or one that no line can hold.
    """
    text = search.text or ""
    if len(text) > MAX_TEXT_LENGTH or not is_storable(text):
        raise InvalidInput(
            f"text has at most {MAX_TEXT_LENGTH:,} characters, and no NUL.",
            path=["filter", "text"],
        )
    return search


def pattern_of(text: str | None) -> str | None:
    """Return the regular expression, as Postgres writes them, of the lines that hold a text.

    A text that begins with a letter, a digit or an underscore is found at the beginning of words
    only: so their index leads to it.
    """
    if not text:
        return None
    escaped = "".join(
        char if char.isalnum() or char == "_" or not char.isascii() else f"\\{char}"
        for char in text
    )
    begins_a_word = text[0].isalnum() or text[0] == "_"
    return rf"(?:^|\W){escaped}" if begins_a_word else escaped
