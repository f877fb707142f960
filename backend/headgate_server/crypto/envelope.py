"""Sealing: each value under a key of its own, bound to the place it is for.

``LP`` joins parts with a 4-byte length before each, so that no two lists of parts join alike::

    okm    = HKDF-SHA512(ikm = key, salt, info = LP(label + "/aes256gcm+commit", key id)), 64 bytes
    commit = okm[32:64]
    AAD    = LP(label, key id, salt, commit, *context)
    blob   = 0x01 | salt (32) | commit (32) | AES-256-GCM(okm[0:32], nonce = 0, plaintext, AAD)

A derived key seals once, because its salt is 256 random bits; only therefore may the nonce be zero.
The commitment makes a blob open under one key at most, which AES-GCM alone does not promise.
"""

import hmac
import secrets
from dataclasses import dataclass, field
from uuid import UUID

from headgate_server.crypto.errors import SecretUnreadable
from headgate_server.crypto.primitives import NONCE_BYTES, TAG_BYTES, decrypt, derive, encrypt

KEY_BYTES = 32
OVERHEAD_BYTES = 1 + 2 * KEY_BYTES + TAG_BYTES
LABEL = "hg/1"

_VERSION = b"\x01"
_SALT = slice(1, 1 + KEY_BYTES)
_COMMITMENT = slice(_SALT.stop, _SALT.stop + KEY_BYTES)
_NONCE = bytes(NONCE_BYTES)


@dataclass(frozen=True, slots=True)
class SealingKey:
    """A secret of 32 bytes that others are derived from, and how blobs name it."""

    id: bytes
    secret: bytes = field(repr=False)
    label: str = LABEL


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value belongs: it opens nowhere else."""

    workspace_id: UUID
    block_id: UUID
    field_path: str
    secret_version: int

    @property
    def context(self) -> tuple[bytes, ...]:
        """Return the parts that sealing binds a value to."""
        return (
            self.workspace_id.bytes,
            self.block_id.bytes,
            self.field_path.encode(),
            self.secret_version.to_bytes(8, "big"),
        )


def make_secret() -> bytes:
    """Return 32 random bytes."""
    return secrets.token_bytes(KEY_BYTES)


def join(*parts: bytes) -> bytes:
    """Return parts with the length of each before it, in 4 bytes."""
    return b"".join([len(part).to_bytes(4, "big") + part for part in parts])


def seal(key: SealingKey, plaintext: bytes, *, context: tuple[bytes, ...]) -> bytes:
    """Return a plaintext sealed for a context: never twice the same blob."""
    return _seal(key, plaintext, context=context, salt=secrets.token_bytes(KEY_BYTES))


def unseal(key: SealingKey, blob: bytes, *, context: tuple[bytes, ...]) -> bytes:
    """Return what was sealed with this key for this context.

    Raises:
        SecretUnreadable: any other key, context or blob.
    """
    if len(blob) < OVERHEAD_BYTES or blob[:1] != _VERSION:
        raise SecretUnreadable
    salt, commitment = blob[_SALT], blob[_COMMITMENT]
    derived, expected = _derive(key, salt)
    if not hmac.compare_digest(commitment, expected):
        raise SecretUnreadable
    associated = join(key.label.encode(), key.id, salt, commitment, *context)
    return decrypt(derived, blob[_COMMITMENT.stop :], nonce=_NONCE, associated=associated)


def _seal(key: SealingKey, plaintext: bytes, *, context: tuple[bytes, ...], salt: bytes) -> bytes:
    derived, commitment = _derive(key, salt)
    associated = join(key.label.encode(), key.id, salt, commitment, *context)
    sealed = encrypt(derived, plaintext, nonce=_NONCE, associated=associated)
    return _VERSION + salt + commitment + sealed


def _derive(key: SealingKey, salt: bytes) -> tuple[bytes, bytes]:
    info = join(f"{key.label}/aes256gcm+commit".encode(), key.id)
    material = derive(key.secret, salt=salt, info=info, size_bytes=2 * KEY_BYTES)
    return material[:KEY_BYTES], material[KEY_BYTES:]
