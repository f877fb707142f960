"""The form of tokens: what they say, and what is refused before any query."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate_server.domain import api_keys
from headgate_server.domain.api_keys import KeyToken, RunToken, SessionToken, TokenKind
from headgate_server.domain.errors import Unauthenticated
from headgate_server.domain.permissions import Scope

ORGANIZATION, WORKSPACE, SUBJECT = (UUID(int=number) for number in (11, 22, 33))
GENERATION = UUID(int=4)
EXPIRES = datetime(2026, 11, 23, 2, 30, 0, 123456, tzinfo=UTC)
PEPPER = "pepper"
KEY = api_keys.key_token(SUBJECT, kind=TokenKind.API_KEY, secret="0123456789abcdefghjkmnpqrstvwxyz")


OLD_KEY = "hg_key_00000000000000000000000011_0123456789abcdefghjkmnpqrstvwxyz_1whng2q"
OLD_HASH = bytes.fromhex("5bffd52fc6b2bf3caab70fefa532d0ea6862f9a939f9564bc979cf21a49c96f3")
"""Of a key whose secret has 160 bits, as all had once."""
OLD_RUN_TOKEN = (
    "hg_run_0000000000000000000000001c000000000000000000000000b00000000000000000000000022000000000"
    "00000000000000010004000000003g_4wjfrgn635q3kbr0xarswfsgqgsn7vbs_2mrt3hh"
)
"""Of before tokens named the key that their run was begun with: without BLOCKS_USE, epoch 7."""
RUN_TOKEN = (
    "hg_run_0000000000000000000000001c000000000000000000000000b00000000000000000000000022000000000"
    "00000000000000010000000000003g000000000000000000000000j_5641gpa52020bz7nt68qsdfwqc30y6qw_2ta9a"
    "49"
)
SESSION_TOKEN = (
    "hg_ses_0000000000000000000000001c000000000000000000000000b00000000000000000000000022000000000"
    "0000000000000001000sgegqpqfh00_dtb1brab8shf3yampq7b9r71cv3vy8g3_0qfq61v"
)


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


def test_secrets_hold_192_bits_and_differ() -> None:
    made = {api_keys.new_secret() for _ in range(1000)}

    assert (len(made), 8 * api_keys.SECRET_BYTES) == (1000, 192)
    assert {len(secret) for secret in made} == {39}
    token = api_keys.key_token(SUBJECT, kind=TokenKind.AGENT_KEY, secret=min(made))
    parsed = api_keys.parse_token(token, pepper=PEPPER)
    assert parsed == KeyToken(TokenKind.AGENT_KEY, SUBJECT, min(made))


def test_key_of_before_is_read_and_its_stored_hash_is_its_own() -> None:
    parsed = api_keys.parse_token(OLD_KEY, pepper=PEPPER)

    assert isinstance(parsed, KeyToken)
    assert api_keys.is_secret(parsed.secret, stored=OLD_HASH, pepper=PEPPER)
    assert not api_keys.is_secret(parsed.secret, stored=OLD_HASH, pepper="another")


def test_session_token_says_its_session_and_expiry_to_the_microsecond() -> None:
    parsed = api_keys.parse_token(make_session_token(), pepper=PEPPER)

    assert parsed == SessionToken(ORGANIZATION, WORKSPACE, SUBJECT, GENERATION, EXPIRES)


def test_run_token_says_its_run_and_epoch() -> None:
    parsed = api_keys.parse_token(make_run_token(), pepper=PEPPER)

    assert parsed == RunToken(ORGANIZATION, WORKSPACE, SUBJECT, GENERATION, 7)


def test_run_token_says_the_key_that_its_run_was_begun_with() -> None:
    key = UUID(int=9)
    parsed = api_keys.parse_token(make_run_token(api_key_id=key), pepper=PEPPER)
    more = sign(TokenKind.RUN, number=7, more=key.bytes + NUMBER_1)

    said = RunToken(ORGANIZATION, WORKSPACE, SUBJECT, GENERATION, 7, api_key_id=key)
    assert parsed == said
    assert api_keys.parse_token(more, pepper=PEPPER) == replace(said, secret_number=1)


def test_tokens_of_every_version_before_are_read() -> None:
    key = UUID(int=9)
    of_run = RunToken(ORGANIZATION, WORKSPACE, SUBJECT, GENERATION, 7)

    assert api_keys.parse_token(OLD_RUN_TOKEN, pepper=PEPPER) == replace(
        of_run, withheld=frozenset({Scope.BLOCKS_USE})
    )
    assert api_keys.parse_token(RUN_TOKEN, pepper=PEPPER) == replace(of_run, api_key_id=key)
    assert api_keys.parse_token(SESSION_TOKEN, pepper=PEPPER) == SessionToken(
        ORGANIZATION, WORKSPACE, SUBJECT, GENERATION, EXPIRES
    )


NUMBER_1 = b"\0\0\0\1"


@pytest.mark.parametrize(
    "more", [b"", b"\0" * 16, b"\0" * 24, b"\1" * 16, b"\1" * 16 + NUMBER_1 + b"\1" * 60]
)
def test_what_a_later_version_says_behind_a_token_is_left_to_it(more: bytes) -> None:
    key = UUID(bytes=more[:16]) if any(more) else None

    parsed = api_keys.parse_token(sign(TokenKind.RUN, number=7, more=more), pepper=PEPPER)

    said = RunToken(ORGANIZATION, WORKSPACE, SUBJECT, GENERATION, 7, api_key_id=key)
    assert parsed == replace(said, secret_number=1 if len(more) > 24 else None)
    session = api_keys.parse_token(sign(TokenKind.SESSION, number=7, more=more), pepper=PEPPER)
    assert isinstance(session, SessionToken)


@pytest.mark.parametrize("more", [b"\1", b"\1" * 15])
def test_token_that_is_cut_off_is_refused(more: bytes) -> None:
    with pytest.raises(Unauthenticated):
        api_keys.parse_token(sign(TokenKind.RUN, number=7, more=more), pepper=PEPPER)


def test_what_a_later_version_takes_from_a_token_is_refused_where_it_is_not_known() -> None:
    beyond = 1 << 48 + len(api_keys.WITHHELD)

    with pytest.raises(Unauthenticated):
        api_keys.parse_token(sign(TokenKind.RUN, number=7 | beyond), pepper=PEPPER)


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


def test_hash_depends_on_secret_and_pepper() -> None:
    stored = api_keys.hash_secret("secret", pepper=PEPPER)

    assert api_keys.is_secret("secret", stored=stored, pepper=PEPPER)
    assert not api_keys.is_secret("Secret", stored=stored, pepper=PEPPER)
    assert not api_keys.is_secret("secret", stored=stored, pepper="another")


def sign(kind: TokenKind, *, number: int, more: bytes = b"") -> str:
    """Return a token that says more than those of today, as a later version would sign it."""
    parties = (ORGANIZATION, WORKSPACE, SUBJECT, GENERATION)
    return api_keys._derived(kind, parties, number=number, pepper=PEPPER, more=more)  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001  only what signs can


def checksum_of(body: str) -> str:
    sealed = api_keys._seal(body)  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001  a forger has it too
    return sealed.rpartition("_")[2]
