"""Frames between an agent and its fork server: length, JSON, and file descriptors beside them."""

import array
import socket
import struct
from collections.abc import Sequence
from typing import Any

import msgspec

_LENGTH = struct.Struct("!I")
MAX_DESCRIPTORS = 5


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for a process: stdout, stderr, where it tells secrets, and its fence, if any, go along.

    Args:
        key: names the process in the answers.
        environment: the whole of it; nothing of the fork server's shines through.
    """

    key: int
    job: dict[str, Any]
    environment: dict[str, str]
    folder: str


class Started(msgspec.Struct, frozen=True, kw_only=True, tag="started"):
    """The process runs, as the leader of a group of its own."""

    key: int
    pid: int


class Exited(msgspec.Struct, frozen=True, kw_only=True, tag="exited"):
    """The process is gone; ``code`` is negative for the signal that killed it."""

    key: int
    code: int


Answer = Started | Exited


def pack(frame: Start | Answer) -> bytes:
    """Return a frame's length and body."""
    body = msgspec.json.encode(frame)
    return _LENGTH.pack(len(body)) + body


def send_with_descriptors(
    connection: socket.socket, data: bytes, descriptors: Sequence[int]
) -> None:
    """Send a packed frame; the descriptors travel with its first bytes."""
    sent = socket.send_fds(connection, [data], list(descriptors))
    connection.sendall(data[sent:])


def receive(connection: socket.socket) -> tuple[bytes, list[int]]:
    """Return the next frame's body and its descriptors; an empty body at the end of the stream."""
    ancillary = socket.CMSG_SPACE(MAX_DESCRIPTORS * array.array("i").itemsize)
    head, extra, _, _ = connection.recvmsg(_LENGTH.size, ancillary)
    if not head:
        return b"", []
    descriptors = array.array("i")
    for level, kind, data in extra:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    head += _exactly(connection, _LENGTH.size - len(head))
    (length,) = _LENGTH.unpack(head)
    return _exactly(connection, length), list(descriptors)


def _exactly(connection: socket.socket, size: int) -> bytes:
    chunks: list[bytes] = []
    while size > 0:
        chunk = connection.recv(min(size, 1 << 20))
        if not chunk:
            raise EOFError("The other end closed the connection inside a frame.")
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)
