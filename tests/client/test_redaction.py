"""Secrets are masked in every spelling that something may be said in."""

import base64
import html
import json
import pickle
import re
import shlex
import time
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from pydantic import SecretStr

from headgate import texts
from headgate.addresses import MOST_SOUGHT, secrets_in
from headgate.redaction import MASK, MAX_BYTES_IN_ANY_WAY, Redactor

SPELT: dict[str, Callable[[str], str]] = {
    "plain": str,
    "repr": repr,
    "ascii": ascii,
    "JSON": json.dumps,
    "shell": shlex.quote,
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
}
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
        json.dumps(json.dumps(json.dumps(SECRET))),
        json.dumps(SECRET).replace("00f6", "00F6"),
        json.dumps(SECRET, ensure_ascii=False).replace("&", "\\u0026").replace("/", "\\/"),
        ascii(SECRET),
        repr(repr(SECRET)),
        repr(SECRET.encode()),
        repr(SECRET.encode("latin-1")),
        html.escape(SECRET),
        html.escape(html.escape(SECRET)),
        html.escape(SECRET).replace("ö", "&ouml;").replace("/", "&#x2F;"),
        quote(SECRET.encode("latin-1")),
        quote(quote(SECRET, safe="")),
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
    assert len(re.sub(r"[\\\"']", "", inner.replace(MASK, ""))) <= len("eHh4eHl6")


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


@pytest.mark.parametrize("secret", ["a\\b'c😀d", "\\\\host\\new\\x", "it's \t here"])
@pytest.mark.parametrize("way", SPELT)
def test_backslashes_quotes_and_rare_characters_are_masked(secret: str, way: str) -> None:
    redactor = Redactor()
    redactor.add(secret)

    assert redactor.redact(f"<{SPELT[way](secret)}>").strip("<>'\"\\") == MASK


LONG = "x7Kp-" + "abcdefghij" * 3 + "Qz!" + "9876543210" * 14 + "?>?>end"


@pytest.mark.parametrize("secret", [LONG[:78], LONG, LONG * 4])
@pytest.mark.parametrize("shift", range(4))
def test_base64_is_masked_though_it_is_wrapped_or_escaped(secret: str, shift: int) -> None:
    redactor = Redactor()
    redactor.add(secret)
    wrapped = base64.encodebytes(b"x" * shift + secret.encode() + b"yz").decode()
    whole = wrapped.replace("\n", "")

    for said in (
        wrapped,
        wrapped.replace("\n", "\r\n  "),
        json.dumps(wrapped),
        quote(wrapped),
        quote_plus(whole),
        whole.replace("/", "\\/"),
    ):
        redacted = redactor.redact(said)
        assert MASK in redacted
        assert len(redacted.replace(MASK, "").strip('"')) <= len("eHh4eHl6") + len("\\n%0A%3D%3D")


@pytest.mark.parametrize("width", [64, 76])
def test_each_line_of_a_secret_as_base64_is_masked(width: int) -> None:
    redactor = Redactor()
    redactor.add(LONG)
    encoded = base64.b64encode(LONG.encode()).decode()
    lines = [encoded[at : at + width] for at in range(0, len(encoded), width)]

    assert [redactor.redact(line) for line in lines if len(line) >= 16] == [MASK] * len(lines)


def test_text_full_of_backslashes_is_looked_through_at_once() -> None:
    redactor = Redactor()
    redactor.add("\\" * 40 + '"x"' + "\\" * 40 + "y")
    began = time.process_time()

    assert redactor.redact("\\" * 2_000 + '"z') == "\\" * 2_000 + '"z'
    assert time.process_time() - began < 2


def test_longest_secret_is_added_at_once() -> None:
    redactor = Redactor()
    began = time.process_time()

    redactor.add(json.dumps({f"key {number}": "ä/ö" * 10 for number in range(150)}, indent=1))

    assert time.process_time() - began < 5


def test_number_is_a_secret_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    redactor = Redactor()
    redactor.add({"pin": 48151623, "rate": 1.2345})
    monkeypatch.setattr(texts, "redactor", redactor)

    found = texts.storable_json({"a": [48151623, 481516234], "b": 1.2345, "c": "is 48151623"})

    assert found == {"a": [MASK, 481516234], "b": MASK, "c": f"is {MASK}"}


@pytest.mark.parametrize(
    "value",
    [
        {"a": [SECRET]},
        SECRET.encode(),
        {SECRET: 1},
        f"postgres://u:{quote(SECRET)}@h",
        base64.b64encode(f"u:{SECRET}".encode()).decode(),
        SecretStr(SECRET),
        ("x" * MAX_BYTES_IN_ANY_WAY, SECRET),
    ],
    ids=["value", "bytes", "key", "address", "Base64", "type", "much"],
)
def test_secret_is_found_in_what_is_handed_on(redactor: Redactor, value: object) -> None:
    redactor.add({"other": "not in there", "pin": 48151623, "rate": 1.2345})

    assert redactor.found_in(pickle.dumps(value)) == [SECRET]


def test_number_that_is_a_secret_is_found_in_what_is_handed_on(redactor: Redactor) -> None:
    redactor.add({"pin": 48151623, "rate": 1.2345})

    assert redactor.found_in(pickle.dumps([SECRET, 48151623])) == [SECRET, "48151623"]
    assert redactor.found_in(pickle.dumps((1.2345, 2))) == ["1.2345"]
    assert redactor.found_in(json.dumps([SECRET, 48151623]).encode()) == [SECRET, "48151623"]


def test_what_is_masked_for_now_is_forgotten_unless_it_is_kept(redactor: Redactor) -> None:
    told: list[list[str]] = []
    redactor.tell(told.append)

    with redactor.for_now() as outer, redactor.for_now() as inner:
        outer(["for both", "outer one"])
        inner(["for both", SECRET, "to be kept"])
        redactor.add("to be kept")
        during = redactor.redact(f"for both, outer one, {SECRET}, to be kept")

    assert during == ", ".join([MASK] * 4)
    assert redactor.redact(f"for both, outer one, {SECRET}") == f"for both, outer one, {MASK}"
    assert redactor.redact("to be kept") == MASK
    assert told == [["for both", "outer one"], ["for both", SECRET, "to be kept"]]


def test_text_is_cut_where_no_secret_stands(redactor: Redactor) -> None:
    redactor.add("pass")
    spelt = quote(SECRET)
    text = f"aaa{spelt}passbb"
    ends = len(f"aaa{spelt}")

    assert [redactor.place_to_cut(text, at=at) for at in (2, 3, 4, ends - 1)] == [2, 3, 3, 3]
    assert [redactor.place_to_cut(text, at=ends + more) for more in (0, 1, 4)] == [
        ends,
        ends,
        ends + 4,
    ]
    assert redactor.place_to_cut(SECRET, at=5) == 0


def test_secret_of_blanks_and_little_else_masks_nothing_shorter() -> None:
    redactor = Redactor()
    redactor.add("     ")
    redactor.add("  ab \n")

    assert redactor.redact("a b ab") == "a b ab"
    assert redactor.redact("<  ab \n>") == f"<{MASK}>"


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


@pytest.mark.parametrize(
    ("address", "passwords"),
    [
        ("postgresql+psycopg2://etl:hunter2pw@db.example.com/orders", ["hunter2pw"]),
        ("redis://:p%40ss%2Fword@h:6379/0?x=1", ["p@ss/word", "p%40ss%2Fword"]),
        ("mysql://a:b@c:d@h", ["b@c:d"]),
        ("redis://:t0ken/with@slash@cache/0", ["t0ken/with", "t0ken/with@slash"]),
        ("jdbc:postgresql://me@tenant:hunter2pw@db.example.com", ["hunter2pw"]),
        ("A=1\nDATABASE_URL=postgres://u:hunter2pw@h\nB=2", ["hunter2pw"]),
        ("postgres://h/db?user=u&password=hunter%212pw&x=1", ["hunter!2pw"]),
        ("https://ghp_0123456789abcdefghij@github.com/x", ["ghp_0123456789abcdefghij"]),
        ("https://key-0123456789abcdefghij:@api.example.com", ["key-0123456789abcdefghij"]),
        ("https://h/x?access_token=hunter2pw", ["hunter2pw"]),
        ("host=h user=me password=hunter2pw", ["hunter2pw"]),
        ("host=h password='hunter 2pw' user=me", ["hunter 2pw"]),
        ("Server=h;User Id=me;Password=hunter2pw;", ["hunter2pw"]),
        ("PGPASSWORD=hunter2pw\nPWD=/app", ["hunter2pw"]),
        ('DB_PASSWORD="hunter 2pw"', ["hunter 2pw"]),
        ('{"username": "me", "password": "hunter\\"2pw"}', ['hunter"2pw']),
        ("jdbc:sqlserver://h:1433;user=me;password={hunter2;pw};x=1", ["hunter2;pw"]),
    ],
)
def test_password_of_an_address_is_a_secret_itself(address: str, passwords: list[str]) -> None:
    redactor = Redactor()
    redactor.add({"url": address})

    assert redactor.redact(address) == MASK
    assert [redactor.redact(f"<{one}>") for one in passwords] == [f"<{MASK}>"] * len(passwords)
    assert redactor.redact("etl reads orders of db.example.com in /app") == (
        "etl reads orders of db.example.com in /app"
    )


def test_so_many_addresses_of_a_text_are_looked_at() -> None:
    long = "://u:pass@h " * (MOST_SOUGHT - 1)
    texts = [long + "://u:hunter2pw@h", long + "://u:pass@h ://u:hunter2pw@h"]

    assert ["hunter2pw" in secrets_in(text) for text in texts] == [True, False]


def test_folder_of_an_environment_that_is_a_secret_is_none() -> None:
    redactor = Redactor()
    redactor.add("HOME=/root\nPWD=/app\nTOKEN=a1b2c3d4")

    assert redactor.redact("/app/flows.py") == "/app/flows.py"


def test_longer_secret_is_masked_before_one_that_it_begins_with() -> None:
    redactor = Redactor()
    redactor.add("token")
    redactor.add("token-and-more")

    assert redactor.redact("x token-and-more y") == f"x {MASK} y"
