"""Sealed values: what opens, and that nothing else does."""

import hmac
from dataclasses import replace
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from headgate_server.crypto.envelope import (
    OVERHEAD_BYTES,
    Place,
    SealingKey,
    join,
    make_secret,
    seal,
    unseal,
)
from headgate_server.crypto.errors import SecretUnreadable
from headgate_server.domain.errors import HeadgateError

KEY = SealingKey(id=UUID(int=7).bytes, secret=bytes(range(32)))
PLACE = Place(UUID(int=1), UUID(int=2), "credentials.password", 3)

GOLDEN: dict[bytes, str] = {
    b"": (
        "0147bebd67e55d1ee90357a5ce22b2703193035cefbc9dbec45481df664778d16f162581941aa18a4dd9cbbb"
        "71a39b0d2ff393178660b3a1d647dd498cc9913f8db1efde1d6e7037ea0fdf45789cfd85c7"
    ),
    b"hunter2": (
        "01a65e708bf319065a6e3e2635aae02596bc6cce2467fe91e66b168a07a661c66dd982dc127290e6ba662224"
        "570d2e3a8b340052b7e6631041e27b61c1833bccd93748405e11ff25da1a09210fa1a82ebd519778ec6fccf3"
    ),
    b"na\xc3\xafve \xf0\x9f\x94\x91": (
        "010c5442af192dd6d3145e17f505473422cbf0c28755e06cec9d60456f283099ac6b07769a3f9c5252cd142a"
        "f19e431573026dc7af533afd4d136e0088505d6a97ddce0c280ecf06ca703ef6520b035968ecc869b6478c0b"
        "738a6caa"
    ),
}
"""Values of version 1, by what they say: they open for ever."""


def assert_refused(blob: bytes, *, key: SealingKey = KEY, place: Place = PLACE) -> None:
    with pytest.raises(SecretUnreadable) as refused:
        unseal(key, blob, context=place.context)

    assert type(refused.value) is SecretUnreadable
    assert refused.value.args == (SecretUnreadable().message,)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@given(st.binary(max_size=300))
def test_what_is_sealed_opens(plaintext: bytes) -> None:
    blob = seal(KEY, plaintext, context=PLACE.context)

    assert len(blob) == len(plaintext) + OVERHEAD_BYTES
    assert unseal(KEY, blob, context=PLACE.context) == plaintext


def test_the_overhead_is_81_bytes_and_no_two_blobs_are_alike() -> None:
    blobs = {seal(KEY, b"", context=PLACE.context) for _ in range(100)}

    assert len({blob[1:33] for blob in blobs}) == len({blob[33:65] for blob in blobs}) == 100
    assert {len(blob) for blob in blobs} == {81}


@pytest.mark.parametrize("plaintext", GOLDEN)
def test_golden_values_of_version_1_open(plaintext: bytes) -> None:
    assert unseal(KEY, bytes.fromhex(GOLDEN[plaintext]), context=PLACE.context) == plaintext


def test_the_format_is_the_one_that_is_written_down() -> None:
    blob = seal(KEY, b"hunter2", context=PLACE.context)
    salt, commitment, sealed = blob[1:33], blob[33:65], blob[65:]
    parts = (b"hg/1", KEY.id, salt, commitment, *PLACE.context)

    extracted = hmac.digest(salt, KEY.secret, "sha512")
    info = join(b"hg/1/aes256gcm+commit", KEY.id)
    derived = hmac.digest(extracted, info + b"\x01", "sha512")
    opened = AESGCM(derived[:32]).decrypt(bytes(12), sealed, join(*parts))

    assert (blob[:1], commitment, opened) == (b"\x01", derived[32:], b"hunter2")


def test_every_flipped_bit_is_refused() -> None:
    blob = seal(KEY, b"hunter2", context=PLACE.context)

    for position in range(8 * len(blob)):
        altered = bytearray(blob)
        altered[position // 8] ^= 1 << position % 8
        assert_refused(bytes(altered))


def test_every_truncation_extension_and_version_is_refused() -> None:
    blob = seal(KEY, b"hunter2", context=PLACE.context)

    for length in range(len(blob)):
        assert_refused(blob[:length])
        assert_refused(blob[length + 1 :])
    for last in range(256):
        assert_refused(blob + bytes([last]))
    for version in {*range(256)} - {1}:
        assert_refused(bytes([version]) + blob[1:])


@given(st.binary(max_size=400))
def test_what_was_never_sealed_is_refused(blob: bytes) -> None:
    assert_refused(blob)
    assert_refused(b"\x01" + blob)


@pytest.mark.parametrize(
    "place",
    [
        replace(PLACE, workspace_id=UUID(int=9)),
        replace(PLACE, block_id=UUID(int=9)),
        replace(PLACE, workspace_id=PLACE.block_id, block_id=PLACE.workspace_id),
        replace(PLACE, field_path="credentials.user"),
        replace(PLACE, field_path="credentials.passwor"),
        replace(PLACE, secret_version=2),
        replace(PLACE, secret_version=4),
    ],
    ids=str,
)
def test_a_value_opens_in_its_own_place_only(place: Place) -> None:
    assert_refused(seal(KEY, b"hunter2", context=PLACE.context), place=place)


@pytest.mark.parametrize(
    "key",
    [
        replace(KEY, secret=make_secret()),
        replace(KEY, id=UUID(int=8).bytes),
        replace(KEY, label="hg/2"),
    ],
    ids=["secret", "id", "label"],
)
def test_a_value_opens_under_its_own_key_only(key: SealingKey) -> None:
    blob = seal(KEY, b"hunter2", context=PLACE.context)
    other = seal(key, b"hunter2", context=PLACE.context)

    assert_refused(blob, key=key)
    assert_refused(blob[:33] + other[33:65] + blob[65:])


def test_joined_parts_are_told_apart() -> None:
    assert len({join(b"ab", b"c"), join(b"a", b"bc"), join(b"abc"), join(b"abc", b"")}) == 4


def test_neither_keys_nor_errors_show_a_secret() -> None:
    shown = repr(KEY) + repr(SecretUnreadable()) + str(SecretUnreadable())

    assert KEY.secret.hex() not in shown
    assert repr(KEY.secret) not in shown
    assert isinstance(SecretUnreadable(), HeadgateError)
