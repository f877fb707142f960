"""Cursors of streams: where a follower stands, and in which history of the database."""

from uuid import UUID

from headgate_server.dispatch.topics import Position
from headgate_server.domain.errors import InvalidCursor
from headgate_server.domain.pagination import decode_cursor, encode_cursor

MOST = 2**63 - 1


def show_cursor(position: Position, *, of: str, timeline: UUID) -> str:
    """Return the opaque cursor of a position in a stream."""
    return encode_cursor((str(timeline), position), of=of)


def read_cursor(cursor: str, *, of: str, timeline: UUID, lanes: int) -> Position | None:
    """Return the position in a cursor; None where it is of another history.

    Args:
        cursor: as the stream returned it.
        of: names the stream.
        timeline: which history the database tells now.
        lanes: how many numbers a position of the stream has.

    Raises:
        InvalidCursor: malformed, or made for another stream.
    """
    of_timeline, position = decode_cursor(cursor, of=of, types=tuple[UUID, tuple[int, ...]])
    if len(position) != lanes or any(not 0 <= number <= MOST for number in position):
        raise InvalidCursor
    return position if of_timeline == timeline else None


def check_reached(position: Position, *, last: Position) -> Position:
    """Return a position that the stream has reached.

    Raises:
        InvalidCursor: it lies in the future: no stream of this history returned it.
    """
    if any(number > reached for number, reached in zip(position, last, strict=True)):
        raise InvalidCursor
    return position
