"""The file that checkpoints are handed out to, and read from again."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from headgate_server.domain.audit_entries import GENESIS, AuditHead
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.ids import new_id
from headgate_server.services.audit_entries import checkpoints
from headgate_server.services.audit_entries.checkpoints import FILE_NAME, Notary

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)


def test_line_that_was_cut_short_costs_no_other(tmp_path: Path) -> None:
    notary, file = Notary(secret="a secret of tests", folder=tmp_path), tmp_path / FILE_NAME
    made = [notary.sign(AuditHead(new_id(), number, GENESIS), at=AT) for number in (1, 2, 3)]

    notary.hand_out(made[0])
    with file.open("a") as cut:
        cut.write('{"organization": "org_')
    notary.hand_out(made[1])
    notary.hand_out(made[2])

    assert checkpoints.read_lines(file.read_text().splitlines()) == made


def test_line_of_another_encoding_is_named(tmp_path: Path) -> None:
    notary, file = Notary(secret="a secret of tests", folder=tmp_path), tmp_path / FILE_NAME
    notary.hand_out(notary.sign(AuditHead(new_id(), 1, GENESIS), at=AT))
    with file.open("ab") as spoilt:
        spoilt.write(b'{"organization": "\xff\xfe\n')

    with pytest.raises(InvalidInput, match="Line 2"):
        checkpoints.read_file(file)


def test_line_that_is_no_checkpoint_is_named() -> None:
    with pytest.raises(InvalidInput, match="Line 2"):
        checkpoints.read_lines(["", "{}"])
