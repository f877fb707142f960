"""Of an address that is a secret, the path is one too: it is all that hooks are secret by."""

import time

import httpx
import pytest

from headgate.addresses import MOST_PATHS, secrets_in
from headgate.redaction import MASK, Redactor

KEY = "XyZ123abcDEF456ghiJKL789"
HOOK = f"https://hooks.example.com/services/T0AAAABBBB/B0CCCCDDDD/{KEY}"


@pytest.mark.parametrize("secret", [HOOK, f"export HOOK='{HOOK}'\n", f'{{"hook": "{HOOK}"}}'])
def test_path_of_a_hook_is_masked_whole_and_in_parts(secret: str) -> None:
    redactor = Redactor()
    redactor.add(secret)
    path = httpx.URL(HOOK).path

    assert redactor.redact(f"Max retries exceeded with url: {path} (Caused") == (
        f"Max retries exceeded with url: {MASK} (Caused"
    )
    assert redactor.redact(f"key={KEY}") == f"key={MASK}"
    assert redactor.redact("hooks.example.com /services/ T0AAAABBBB") == (
        "hooks.example.com /services/ T0AAAABBBB"
    )


def test_path_is_masked_with_what_is_asked_for_there() -> None:
    redactor = Redactor()
    redactor.add(f"https://h/run?code=a%2Fb%3D&sig={KEY}%2B/&api=1#top")

    assert [
        redactor.redact(said)
        for said in (
            f"/run?code=a%2Fb%3D&sig={KEY}%2B/&api=1",
            f"/run?code=a/b=&sig={KEY}+/&api=1",
            f"{KEY}%2B/",
            f"{KEY}+/",
            "/run a/b= #top",
        )
    ] == [MASK, MASK, MASK, MASK, "/run a/b= #top"]


def test_short_names_in_the_path_of_an_address_are_no_secrets() -> None:
    redactor = Redactor()
    redactor.add("postgresql://etl:hunter2pw@db.example.com:5432/orders?sslmode=on")

    said = "reads orders of db.example.com, and /orders with sslmode=on"
    assert redactor.redact(said) == said


def test_so_many_paths_of_a_text_are_looked_at() -> None:
    many = " ".join(f"https://h/{number:020}" for number in range(1_000))
    began = time.process_time()

    found = set(secrets_in(many))

    assert {f"/{0:020}", f"{0:020}"} <= found
    assert len(found) == MOST_PATHS
    assert time.process_time() - began < 1
