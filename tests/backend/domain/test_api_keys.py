"""The form of tokens: what they say, and what is refused before any query."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate_server.domain import api_keys
from headgate_server.domain.api_keys import KeyToken, RunToken, SessionToken, TokenKind
from headgate_server.domain.errors import Unauthenticated

ORGANIZATION, WORKSPACE, SUBJECT = (UUID(int=number) for number in (11, 22, 33))
GENERATION = UUID(int=4)
EXPIRES = datetime(2026, 11, 23, 2, 30, 0, 123456, tzinfo=UTC)
PEPPER = "pepper"
KEY = api_keys.key_token(SUBJECT, kind=TokenKind.API_KEY, secret="0123456789abcdefghjkmnpqrstvwxyz")


def make_run_token(*, epoch: int = 7, pepper: str = PEPPER, api_key_id: UUID | None = None) -> str:
    return api_keys.run_token(
        SUBJECT,
        organization_id=ORGANIZATION,
        workspace_id=WORKSPACE,
        generation=GENERATION,
        epoch=epoch,
        pepper=pepper,
        api_key_id=api_key_id,
    )


def make_session_token() -> str:
    return api_keys.session_token(
        SUBJECT,
        organization_id=ORGANIZATION,
        workspace_id=WORKSPACE,
        generation=GENERATION,
        expires_at=EXPIRES,
        pepper=PEPPER,
    )


def test_key_token_says_its_kind_id_and_secret() -> None:
    parsed = api_keys.parse_token(KEY, pepper=PEPPER)

    assert parsed == KeyToken(TokenKind.API_KEY, SUBJECT, "0123456789abcdefghjkmnpqrstvwxyz")
    assert KEY.startswith("hg_key_00000000000000000000000011_0123456789abcdefghjkmnpqrstvwxyz_")


def test_session_token_says_its_session_and_expiry_to_the_microsecond() -> None:
    parsed = api_keys.parse_token(make_session_token(), pepper=PEPPER)

    assert parsed == SessionToken(ORGANIZATION, WORKSPACE, SUBJECT, GENERATION, EXPIRES)


def test_run_token_says_its_run_and_epoch() -> None:
    parsed = api_keys.parse_token(make_run_token(), pepper=PEPPER)

    assert parsed == RunToken(ORGANIZATION, WORKSPACE, SUBJECT, GENERATION, 7)


def test_run_token_says_the_key_that_its_run_was_begun_with() -> None:
    key = UUID(int=9)
    parsed = api_keys.parse_token(make_run_token(api_key_id=key), pepper=PEPPER)

    assert parsed == RunToken(ORGANIZATION, WORKSPACE, SUBJECT, GENERATION, 7, api_key_id=key)


def test_same_claim_makes_the_same_token_and_another_epoch_another() -> None:
    assert make_run_token() == make_run_token()
    assert make_run_token() != make_run_token(epoch=8)


def test_token_signed_with_another_pepper_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        api_keys.parse_token(make_run_token(pepper="another"), pepper=PEPPER)


def test_run_token_does_not_pass_as_a_session_token() -> None:
    body = make_run_token().replace("hg_run_", "hg_ses_").rpartition("_")[0]
    resealed = f"{body}_{checksum_of(body)}"

    with pytest.raises(Unauthenticated):
        api_keys.parse_token(resealed, pepper=PEPPER)


@given(place=st.integers(0, len(KEY) - 1), character=st.characters(codec="ascii"))
def test_one_wrong_character_is_refused(place: int, character: str) -> None:
    mistyped = KEY[:place] + character + KEY[place + 1 :]

    if mistyped != KEY:
        with pytest.raises(Unauthenticated):
            api_keys.parse_token(mistyped, pepper=PEPPER)


@given(token=st.text(max_size=300))
def test_any_other_text_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated):
        api_keys.parse_token(token, pepper=PEPPER)


@pytest.mark.parametrize("kind", ["key", "agent", "ses", "run", "user"])
@pytest.mark.parametrize("payload", ["", "0", "z" * 26, "0" * 90, "u" * 90, "z" * 90])
def test_well_sealed_nonsense_is_refused(kind: str, payload: str) -> None:
    body = f"hg_{kind}_{payload}_secret"
    parsed: object = None

    try:
        parsed = api_keys.parse_token(f"{body}_{checksum_of(body)}", pepper=PEPPER)
    except Unauthenticated:
        return

    assert isinstance(parsed, KeyToken)


def test_secrets_hold_160_bits_and_differ() -> None:
    secrets = {api_keys.new_secret() for _ in range(100)}

    assert len(secrets) == 100
    assert {len(secret) for secret in secrets} == {32}


def test_hash_depends_on_secret_and_pepper() -> None:
    stored = api_keys.hash_secret("secret", pepper=PEPPER)

    assert api_keys.is_secret("secret", stored=stored, pepper=PEPPER)
    assert not api_keys.is_secret("Secret", stored=stored, pepper=PEPPER)
    assert not api_keys.is_secret("secret", stored=stored, pepper="another")


def checksum_of(body: str) -> str:
    sealed = api_keys._seal(body)  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001  a forger has it too
    return sealed.rpartition("_")[2]
