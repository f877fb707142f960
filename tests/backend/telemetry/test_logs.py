"""Log lines: what they say, what they belong to, and what they never say."""

import json
import logging
import sys
from datetime import UTC, datetime
from uuid import UUID

import pytest

from headgate_server.domain import ids
from headgate_server.telemetry.logs import (
    JsonLines,
    Lines,
    ShownId,
    belonging,
    stamp,
    without_secrets,
)

WORKSPACE = UUID(int=7)
SECRET = "5t8x1m0q"
SECRETS = [
    (f"hg_key_00abc_{SECRET}_0123456", "hg_key_00abc_***"),
    (f"hg_run_00abc_{SECRET}_0123456", "hg_run_00abc_***"),
    (f"postgresql://owner:{SECRET}@db/headgate", "postgresql://owner:***@db/headgate"),
    (f"redis://:{SECRET}@127.0.0.1/0", "redis://:***@127.0.0.1/0"),
    (f"authorization: Bearer {SECRET}", "authorization: Bearer ***"),
]


def record(message: str, *args: object, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("headgate.tests", logging.INFO, __file__, 1, message, args, None)
    made.created = datetime(2026, 11, 1, 12, 0, 0, 250_000, tzinfo=UTC).timestamp()
    for name, value in fields.items():
        setattr(made, name, value)
    assert stamp(made)
    return made


def test_json_line_says_what_it_belongs_to() -> None:
    with belonging(request_id="r-1", workspace=ShownId(ids.Kind.WORKSPACE, WORKSPACE), run=None):
        made = record("%s %s", "flowRunCreate", "ok", duration_ms=12.5)

    assert json.loads(JsonLines().format(made)) == {
        "time": "2026-11-01T12:00:00.250+00:00",
        "level": "INFO",
        "logger": "headgate.tests",
        "message": "flowRunCreate ok",
        "duration_ms": 12.5,
        "request_id": "r-1",
        "workspace": ids.show(ids.Kind.WORKSPACE, WORKSPACE),
    }


def test_text_line_ends_with_what_it_belongs_to() -> None:
    with belonging(request_id="r-1"):
        made = record("late")

    assert Lines().format(made).endswith("INFO    headgate.tests: late request_id=r-1")


def test_what_a_block_belongs_to_ends_with_it() -> None:
    with belonging(request_id="outer"):
        with belonging(request_id="inner", loop="outbox"):
            inner = json.loads(JsonLines().format(record("x")))
        outer = json.loads(JsonLines().format(record("x")))

    assert (inner["request_id"], inner["loop"]) == ("inner", "outbox")
    assert (outer["request_id"], "loop" in outer) == ("outer", False)


@pytest.mark.parametrize(("said", "written"), SECRETS)
def test_secrets_are_left_out(said: str, written: str) -> None:
    assert without_secrets(said) == written
    for formatter in (Lines(), JsonLines()):
        shown = formatter.format(record("it says %s", said, detail=said))
        assert SECRET not in shown
        assert shown.count(written) == 2


def test_secrets_in_a_traceback_are_left_out() -> None:
    try:
        raise ValueError(SECRETS[0][0])
    except ValueError:
        made = record("failed")
        made.exc_info = sys.exc_info()

    assert SECRET not in Lines().format(made)
    line = json.loads(JsonLines().format(made))
    assert line["exception"].endswith("ValueError: hg_key_00abc_***")
