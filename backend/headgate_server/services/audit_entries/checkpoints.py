"""Signed checkpoints of the chains, and where they are kept besides the database."""

import json
import logging
import os
from collections.abc import AsyncGenerator, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from headgate_server.crypto.signing import Signer, is_signed
from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.audit_entries import (
    AuditCheckpoint,
    AuditHead,
    checkpoint_statement,
)
from headgate_server.domain.errors import HeadgateError, InvalidInput
from headgate_server.repositories import audit_entries
from headgate_server.settings import Settings

logger = logging.getLogger(__name__)

CHECKPOINT_EVERY = timedelta(minutes=5)
ORGANIZATIONS_AT_ONCE = 200
FILE_NAME = "audit-checkpoints.jsonl"

list_checkpoints = audit_entries.list_checkpoints


class Notary:
    """Signs checkpoints and hands them out of the database: to a file and to the server's log."""

    def __init__(self, *, secret: str, folder: Path | None = None) -> None:
        """Hold a key and a place.

        Args:
            secret: the installation's secret, which the key follows from.
            folder: takes a file to which one JSON line a checkpoint is appended; a mounted bucket
                or another machine's disk keeps them from whoever holds the database.
        """
        self._signer = Signer(secret)
        self._folder = folder

    @property
    def public_key(self) -> bytes:
        """Return the key that its signatures are checked with."""
        return self._signer.public_key

    def sign(self, head: AuditHead, *, at: datetime) -> AuditCheckpoint:
        """Return a checkpoint of a chain as it stands."""
        statement = checkpoint_statement(
            head.organization_id, sequence=head.sequence, hash_=head.hash, at=at
        )
        return AuditCheckpoint(
            organization_id=head.organization_id,
            sequence=head.sequence,
            hash=head.hash,
            at=at,
            public_key=self.public_key,
            signature=self._signer.sign(statement),
        )

    def hand_out(self, checkpoint: AuditCheckpoint) -> None:
        """Append a checkpoint to the file, durably, and log it.

        On a line of its own, also where the one before it was cut short, as by a full disk.

        Raises:
            OSError: the file cannot be written.
        """
        line = as_line(checkpoint)
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            with (self._folder / FILE_NAME).open("ab+") as file:
                file.write(_begin_of_line(file) + line.encode("ascii") + b"\n")
                file.flush()
                os.fsync(file.fileno())
        logger.info("Audit checkpoint %s", line)


def _begin_of_line(file: BinaryIO) -> bytes:
    """Return what brings a file to the beginning of a line."""
    if file.seek(0, os.SEEK_END) == 0:
        return b""
    file.seek(-1, os.SEEK_END)
    return b"" if file.read(1) == b"\n" else b"\n"


def notary_of(settings: Settings) -> Notary:
    """Return the notary of an installation."""
    folder = settings.audit_checkpoints
    return Notary(secret=settings.secret_key, folder=Path(folder) if folder else None)


async def sign_grown(database: Database, notary: Notary) -> int:
    """Sign every chain that has grown and has had no checkpoint for 5 minutes; how many."""
    return sum([signed async for signed in iter_signed(database, notary)])


async def iter_signed(database: Database, notary: Notary) -> AsyncGenerator[int]:
    """Sign up to ``ORGANIZATIONS_AT_ONCE`` chains that are due, each in a transaction of its own.

    Yields:
        One for each.
    """
    async with database.system() as work:
        due = await audit_entries.list_unsigned(
            work, before=work.now - CHECKPOINT_EVERY, most=ORGANIZATIONS_AT_ONCE
        )
    for organization_id in due:
        async with database.system() as work:
            await sign_chain(work, notary, organization_id=organization_id)
        yield 1


async def sign_chain(
    work: UnitOfWork, notary: Notary, *, organization_id: UUID
) -> AuditCheckpoint | None:
    """Sign a chain as it stands; None where it has a checkpoint this far.

    What was handed out and then not committed is signed and handed out again: both are true.
    """
    head = await audit_entries.lock_head(work, organization_id=organization_id)
    if head.sequence <= head.checkpointed:
        return None
    checkpoint = notary.sign(head, at=work.now)
    notary.hand_out(checkpoint)
    await audit_entries.insert_checkpoint(work, checkpoint)
    return checkpoint


def as_line(checkpoint: AuditCheckpoint) -> str:
    """Return a checkpoint as one line of JSON."""
    return json.dumps(
        {
            "organization": ids.show(ids.Kind.ORGANIZATION, checkpoint.organization_id),
            "sequence": checkpoint.sequence,
            "hash": checkpoint.hash.hex(),
            "at": checkpoint.at.isoformat(),
            "public_key": checkpoint.public_key.hex(),
            "signature": checkpoint.signature.hex(),
        }
    )


def read_file(file: Path) -> list[AuditCheckpoint]:
    """Return the checkpoints of a file, as ``read_lines`` does.

    Raises:
        OSError: it cannot be read.
        InvalidInput: a line that is none.
    """
    return read_lines(file.read_text(encoding="utf-8", errors="replace").splitlines())


def read_lines(lines: Iterable[str]) -> list[AuditCheckpoint]:
    """Return the checkpoints of a file.

    Empty lines are passed over, and such as were cut short while they were written: the log tells.

    Raises:
        InvalidInput: a line that is none; the message says which.
    """
    found: list[AuditCheckpoint] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            if not line.isascii():
                # None is written so, nor cut short to it.
                raise ValueError
            said = json.loads(line)
            found.append(
                AuditCheckpoint(
                    organization_id=ids.parse(said["organization"], kind=ids.Kind.ORGANIZATION),
                    sequence=int(said["sequence"]),
                    hash=bytes.fromhex(said["hash"]),
                    at=datetime.fromisoformat(said["at"]),
                    public_key=bytes.fromhex(said["public_key"]),
                    signature=bytes.fromhex(said["signature"]),
                )
            )
        except json.JSONDecodeError:
            logger.warning("Line %d of the checkpoints is cut short; it is passed over", number)
        except (ValueError, KeyError, TypeError, HeadgateError):
            raise InvalidInput(f"Line {number} is not a checkpoint of the audit log.") from None
    return found


def is_genuine(checkpoint: AuditCheckpoint) -> bool:
    """Whether the key that a checkpoint names signed what it says."""
    return is_signed(
        checkpoint.statement(),
        signature=checkpoint.signature,
        public_key=checkpoint.public_key,
    )
