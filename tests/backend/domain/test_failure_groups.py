"""Fingerprints: alike failures have one, others have not."""

import pytest

from headgate_server.domain.failure_groups import (
    MAX_MESSAGE_LENGTH,
    fingerprint_of,
    normal_message,
    own_frames,
)

TRACEBACK = """Traceback (most recent call last):
  File "{root}/flows/etl.py", line {line}, in load
    rows = fetch(url)
  File "/usr/lib/python3.12/concurrent/futures/thread.py", line 58, in run
    result = self.fn(*self.args, **self.kwargs)
  File "/venv/lib/python3.12/site-packages/httpx/_client.py", line {library}, in get
    raise
  File "{root}/flows/sources.py", line 3, in fetch
    raise ValueError(url)
ValueError: {message}
"""


def error(
    message: str, *, root: str = "/srv/a", line: int = 10, library: int = 99
) -> dict[str, str]:
    text = TRACEBACK.format(root=root, line=line, library=library, message=message)
    return {"type": "ValueError", "message": message, "traceback": text}


def key(told: dict[str, str]) -> str:
    return fingerprint_of(state_name="Failed", message="x", details={"error": told}).key


def test_place_line_library_and_values_do_not_matter() -> None:
    one = error("row 17 of 'a.csv' is bad")
    other = error("row 18 of 'b.csv' is bad", root="/agents/run_9", line=11, library=120)

    assert key(one) == key(other)


@pytest.mark.parametrize(
    "other",
    [
        error("column 17 of 'a.csv' is bad"),
        {**error("row 17 of 'a.csv' is bad"), "type": "KeyError"},
        {
            **error("row 17 of 'a.csv' is bad"),
            "traceback": 'File "/srv/x.py", line 1, in f',
        },
    ],
)
def test_another_message_type_or_own_frame_is_another_failure(other: dict[str, str]) -> None:
    assert key(other) != key(error("row 17 of 'a.csv' is bad"))


def test_frames_are_the_users_own_innermost_last() -> None:
    assert own_frames(error("x")["traceback"]) == ("etl.py:load", "sources.py:fetch")
    assert own_frames('File "/v/site-packages/a.py", line 1, in b') == ("a.py:b",)


@pytest.mark.parametrize(
    ("message", "normal"),
    [
        ("id 7f9c24e8-3b0c-4b56-8d2a-0123456789ab gone", "id <id> gone"),
        ("run_01jd3v8k6wq2e5r7t9y0zabcdx is late", "<id> is late"),
        ("<obj at 0x7f2e28fb7f40>", "<obj at <address>>"),
        ("GET https://a.example/x?y=1 said 503", "GET <url> said <number>"),
        ("no such file: /data/2026/11/in.csv", "no such file: <path>"),
        ("took 1.5e-3 s at 2026-11-28T12:00:00", "took <number> s at <number>"),
        ('KeyError: "a"  \n  and  more', "KeyError: <value> and more"),
        (
            "can't read 'a.csv': it's gone; won't retry",
            "can't read <value>: it's gone; won't retry",
        ),
        (
            "users' files aren't in b'in\\'s' or ('x', 'y')",
            "users' files aren't in b<value> or (<value>, <value>)",
        ),
        ("User 'Alice's board' isn't there", "User <value> isn't there"),
        (
            "can't convert N'Ann', X'ff', DATE'today' or rb'x'",
            "can't convert N<value>, X<value>, DATE<value> or rb<value>",
        ),
        ("commit deadbeef1 of decade", "commit <id> of decade"),
    ],
)
def test_message_loses_what_changes(message: str, normal: str) -> None:
    assert normal_message(message) == normal


def test_failure_without_an_exception_is_told_by_its_state() -> None:
    crashed = fingerprint_of(state_name="Crashed", message="agent a1 is gone for 90 s", details={})
    again = fingerprint_of(state_name="Crashed", message="agent a1 is gone for 91 s", details=None)
    other = fingerprint_of(state_name="TimedOut", message="agent a1 is gone for 90 s", details={})

    assert crashed == again
    assert (crashed.exception_type, crashed.frames) == ("Crashed", ())
    assert other.key != crashed.key


def test_strange_details_are_taken_as_they_are() -> None:
    strange = {"error": {"type": 7, "message": None, "traceback": ["x"]}}

    found = fingerprint_of(state_name="Failed", message=None, details=strange)

    assert (found.exception_type, found.message, found.frames) == ("Failed", "", ())


@pytest.mark.parametrize(
    "text", ["'", "a/", "1.", "\\'", "a@", "-a", "/a", "0x", "a1", " ", "a:/", "\n", "|", "File "]
)
def test_no_message_and_no_traceback_takes_long(text: str) -> None:
    """What tries each place of a text against all that follows would take hours."""
    assert len(normal_message(text * 1_000_000)) <= MAX_MESSAGE_LENGTH
    assert own_frames(text * 1_000_000 + '\n  File "x.py", line 1, in go') == ("x.py:go",)
