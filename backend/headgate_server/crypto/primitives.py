"""The two algorithms that everything sealed is made of, in the one form that is used of each."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from headgate_server.crypto.errors import SecretUnreadable

NONCE_BYTES = 12
TAG_BYTES = 16


def derive(secret: bytes, *, salt: bytes, info: bytes, size_bytes: int) -> bytes:
    """Return HKDF-SHA512 of a secret."""
    return HKDF(algorithm=SHA512(), length=size_bytes, salt=salt, info=info).derive(secret)


def encrypt(key: bytes, plaintext: bytes, *, nonce: bytes, associated: bytes) -> bytes:
    """Return the AES-GCM ciphertext of a plaintext, its tag of 16 bytes at the end."""
    return AESGCM(key).encrypt(nonce, plaintext, associated)


def decrypt(key: bytes, ciphertext: bytes, *, nonce: bytes, associated: bytes) -> bytes:
    """Return the plaintext of an AES-GCM ciphertext with its tag.

    Raises:
        SecretUnreadable: not what this key, nonce and associated data made.
    """
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, associated)
    except (InvalidTag, ValueError):
        raise SecretUnreadable from None
