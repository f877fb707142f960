"""Of a secret whose middle was left out, both ends are masked."""

import base64
import pickle
import reprlib
from collections.abc import Callable

import pytest
from pydantic import BaseModel, ValidationError

from headgate.redaction import MASK, Redactor

TOKEN = "Qw7LeakMe" + "abcdefghij0123456789" * 6 + "MeLeakZz9"
SPECIAL = "p'a\"ss\\wörd/+?&x\n" * 6


class Credentials(BaseModel):
    token: int


def _said_by_pydantic(value: object) -> str:
    with pytest.raises(ValidationError) as refused:
        Credentials.model_validate(value)
    return str(refused.value)


SAID: dict[str, Callable[[str], str]] = {
    "Pydantic": lambda secret: _said_by_pydantic({"token": secret}),
    "Pydantic, deeper": lambda secret: _said_by_pydantic({"key": secret}),
    "reprlib": reprlib.repr,
    "reprlib, deeper": lambda secret: reprlib.repr({"token": [secret]}),
    "one character": lambda secret: f"{secret[:20]}…{secret[-20:]}",
    "first end": lambda secret: f"{secret[:30]}...",
    "last end": lambda secret: f"...{secret[-30:]}",
}


@pytest.mark.parametrize("secret", [TOKEN, TOKEN[:52], SPECIAL, TOKEN * 8], ids=len)
@pytest.mark.parametrize("way", SAID)
def test_both_ends_of_a_shortened_secret_are_masked(secret: str, way: str) -> None:
    redactor = Redactor()
    redactor.add(secret)
    said = SAID[way](secret)

    redacted = redactor.redact(said)

    shown = [secret[at : at + 8] for at in range(len(secret) - 7)]
    assert [part for part in shown if part in said]
    assert [part for part in shown if part in redacted or repr(part)[1:-1] in redacted] == []
    assert MASK in redacted
    assert ("..." if "..." in said else "…") in redacted


def test_shortened_secret_is_found_in_what_is_handed_on() -> None:
    redactor = Redactor()
    redactor.add(TOKEN)

    assert redactor.found_in(pickle.dumps(ValueError(reprlib.repr(TOKEN)))) == [TOKEN]
    assert redactor.found_in(pickle.dumps(ValueError(f"{TOKEN[:20]} and more"))) == []


def test_what_merely_begins_as_a_secret_does_is_left_alone() -> None:
    redactor = Redactor()
    redactor.add(TOKEN)

    for said in (f"{TOKEN[:7]}...", f"...{TOKEN[-7:]}", f"{TOKEN[:20]}, and ...", "and so on ..."):
        assert redactor.redact(said) == said


def test_no_cut_parts_an_end_of_a_secret_from_its_dots() -> None:
    redactor = Redactor()
    redactor.add(TOKEN)
    text = f"says {TOKEN[:12]}...{TOKEN[-12:]} and goes on"
    begins, ends = len("says "), len(f"says {TOKEN[:12]}...{TOKEN[-12:]}")

    cuts = {redactor.place_to_cut(text, at=at) for at in range(begins, ends)}

    assert cuts == {begins}
    assert redactor.place_to_cut(text, at=ends) == ends


def test_other_addresses_of_the_same_kind_are_shown() -> None:
    redactor = Redactor()
    redactor.add("https://hooks.example.com/services/T0123456789abcdefghij")

    for said in ("https://example...", "see https://...", "https://hooks.other..."):
        assert redactor.redact(said) == said
    assert redactor.redact("https://hooks.example.c...") == f"{MASK}..."


def test_text_full_of_dots_is_looked_through() -> None:
    """It would take hours, were what comes before an end tried in every way."""
    redactor = Redactor()
    redactor.add("." * 60)
    redactor.add("\\" * 60)
    redactor.add(base64.b64encode(b"x" * 60).decode())

    redacted = redactor.redact("..." * 20_000 + "\\" * 2_000)

    assert MASK in redacted
