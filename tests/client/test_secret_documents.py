"""What is in a secret that is a JSON document is masked by itself, too."""

import base64
import json
import re

import pytest

from headgate.redaction import MASK, MOST_TEXTS, Redactor

KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg/kq+\nhkiG9w0BAQEF\n-----END PRIVATE KEY-----\n"
ACCOUNT = {
    "type": "service_account",
    "private_key_id": "0123456789abcdef",
    "private_key": KEY,
    "nested": [{"url": "https://u:hunter2pw@h", "pin": 1234567890}],
    "zone": "eu-1",
}


@pytest.fixture(params=[None, 2], ids=["compact", "indented"])
def redactor(request: pytest.FixtureRequest) -> Redactor:
    redactor = Redactor()
    redactor.add(f"{json.dumps(ACCOUNT, indent=request.param)}\n")
    return redactor


@pytest.mark.parametrize(
    "said",
    [
        KEY,
        repr(KEY).strip("'"),
        json.dumps(KEY).strip('"'),
        base64.b64encode(KEY.encode()).decode().rstrip("="),
        "MIIEvQIBADANBg/kq+",
        "0123456789abcdef",
        "1234567890",
        "hunter2pw",
        "https://u:hunter2pw@h",
    ],
)
def test_text_in_a_document_is_masked(redactor: Redactor, said: str) -> None:
    redacted = redactor.redact(f"<{said}>")

    assert redacted.startswith(f"<{MASK}")
    assert len(redacted.replace(MASK, "")) <= len("<EQ>")


def test_document_that_was_read_shows_none_of_its_texts(redactor: Redactor) -> None:
    assert redactor.redact(repr(ACCOUNT)) == repr(
        ACCOUNT
        | {"type": MASK, "private_key_id": MASK, "private_key": MASK}
        | {"nested": [{"url": MASK, "pin": 0}]}
    ).replace("'pin': 0", f"'pin': {MASK}")


def test_names_and_short_texts_of_a_document_are_no_secrets(redactor: Redactor) -> None:
    said = "private_key_id of eu-1"

    assert redactor.redact(said) == said


@pytest.mark.parametrize("secret", ["{no: 'document'}", "[" * 5_000, '["' + "[" * 5_000 + '"]'])
def test_what_only_looks_like_a_document_is_masked_as_a_whole(secret: str) -> None:
    redactor = Redactor()
    redactor.add(secret)

    assert redactor.redact(f"<{secret}>") == f"<{MASK}>"


def test_deep_document_is_masked_as_a_whole() -> None:
    secret = '{"a": ' * 900 + '"deep inside"' + "}" * 900
    redactor = Redactor()
    redactor.add(secret)

    assert redactor.redact(f"<{secret}>") == f"<{MASK}>"


def test_so_many_texts_of_a_document_are_looked_at() -> None:
    texts = [f"{number:09}" for number in range(2 * MOST_TEXTS)]
    redactor = Redactor()

    redactor.add(json.dumps(texts))

    assert redactor.redact(f"<{texts[0]} {texts[MOST_TEXTS - 1]}>") == f"<{MASK} {MASK}>"
    assert redactor.redact(f"<{texts[-1]}>") == f"<{texts[-1]}>"


def test_texts_of_documents_in_a_document_are_counted_with_its_own() -> None:
    inner = json.dumps([f"inner-{number:09}" for number in range(MOST_TEXTS)])
    redactor = Redactor()

    redactor.add(json.dumps(["first-text", inner, "last-of-all"]))

    said = f"first-text inner-{0:09} inner-{MOST_TEXTS - 1:09} last-of-all"
    assert redactor.redact(said) == f"{MASK} {MASK} inner-{MOST_TEXTS - 1:09} last-of-all"


def test_a_further_secret_costs_itself_however_many_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    redactor = Redactor()
    redactor.add(json.dumps([f"{number:09}" for number in range(2 * MOST_TEXTS)]))
    compiled: list[str] = []
    compiles = re.compile

    def counted(pattern: str, flags: int = 0) -> re.Pattern[str]:
        compiled.append(pattern)
        return compiles(pattern, flags)

    monkeypatch.setattr(re, "compile", counted)

    redactor.add("one more secret")
    with redactor.for_now() as mask:
        mask(["another, for now"])

    assert 0 < len(compiled) < 50
    assert redactor.redact("one more secret, 000000001") == f"{MASK}, {MASK}"
