"""Secrets are masked in every spelling that something may be said in."""

import base64
import json
import re
from urllib.parse import quote, quote_plus

import pytest

from headgate.redaction import MASK, Redactor

SECRET = 'p"ss wörd/+?\n&x'


@pytest.fixture
def redactor() -> Redactor:
    redactor = Redactor()
    redactor.add(SECRET)
    return redactor


@pytest.mark.parametrize(
    "spelt",
    [
        SECRET,
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        repr(SECRET),
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        quote(SECRET, safe="/+&"),
        quote_plus(SECRET, safe="&+"),
        re.sub("%..", lambda escaped: escaped[0].lower(), quote(SECRET, safe="")),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        *(base64.b64encode(b"x" * shift + SECRET.encode() + b"yz").decode() for shift in range(4)),
    ],
)
def test_secret_is_masked_in_every_spelling(redactor: Redactor, spelt: str) -> None:
    said = redactor.redact(f"before {spelt} after")

    assert MASK in said
    assert said.startswith("before ")
    assert said.endswith(" after")
    inner = said.removeprefix("before ").removesuffix(" after")
    assert len(inner.replace(MASK, "")) <= len("==xx\"'yz")


@pytest.mark.parametrize(
    "said",
    [
        "https://u:P%40ssw0rd!~(x)@h/p",
        "https://u:P%40ssw0rd%21~%28x%29@h/p",
        "https://h/?p=P@ssw0rd!~(x)",
        "https://h/?p=P%40ssw0rd%21%7e(x)",
    ],
)
def test_secret_is_masked_however_an_address_escapes_it(said: str) -> None:
    redactor = Redactor()
    redactor.add("P@ssw0rd!~(x)")
    redactor.add("P@ssw0rd")

    redacted = redactor.redact(said)

    assert MASK in redacted
    assert "ssw0rd" not in redacted
    assert "(x" not in redacted


def test_what_is_no_secret_is_left_alone(redactor: Redactor) -> None:
    assert redactor.redact("nothing of it: p ss word") == "nothing of it: p ss word"
    assert Redactor().redact(SECRET) == SECRET


def test_short_secrets_are_left_alone_and_long_lines_are_secrets_themselves() -> None:
    redactor = Redactor()
    redactor.add("abc")
    redactor.add("-----BEGIN\nMIIEvQIBADANBg\nkq\n-----END")

    assert redactor.redact("abc MIIEvQIBADANBg kq") == f"abc {MASK} kq"


def test_each_text_of_a_json_secret_is_masked() -> None:
    redactor = Redactor()
    redactor.add({"a": ["first-one", {"b": 123456}], "c": None, "d": True})

    assert redactor.redact("first-one 123456 True None") == f"{MASK} {MASK} True None"


def test_longer_secret_is_masked_before_one_that_it_begins_with() -> None:
    redactor = Redactor()
    redactor.add("token")
    redactor.add("token-and-more")

    assert redactor.redact("x token-and-more y") == f"x {MASK} y"
