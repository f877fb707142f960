"""Signatures of the audit log's checkpoints: Ed25519 (RFC 8032)."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from headgate_server.crypto.primitives import derive

SEED_BYTES = 32
_INFO = b"headgate/1/audit checkpoints"


class Signer:
    """Signs with a key that follows from the installation's secret: nothing else is to be kept.

    Another secret makes another key; checkpoints name theirs, so that old ones stay good.
    """

    def __init__(self, secret: str) -> None:
        seed = derive(secret.encode(), salt=b"", info=_INFO, size_bytes=SEED_BYTES)
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = self._key.public_key().public_bytes_raw()

    def sign(self, statement: bytes) -> bytes:
        """Return the signature over a statement: 64 bytes."""
        return self._key.sign(statement)


def is_signed(statement: bytes, *, signature: bytes, public_key: bytes) -> bool:
    """Whether the owner of a public key signed exactly this statement."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, statement)
    except (InvalidSignature, ValueError):
        return False
    return True
