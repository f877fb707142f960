"""AES-256-GCM against NIST's vectors, as the package cryptography-vectors has them."""

from collections.abc import Iterator
from importlib.resources import files

import pytest

from headgate_server.crypto.errors import SecretUnreadable
from headgate_server.crypto.primitives import decrypt, encrypt

FOLDER = files("cryptography_vectors") / "ciphers/AES/GCM"
SIZES = {"IVlen": "96", "Taglen": "128"}
"""Those that are used here; the rest is left out."""


def vectors(name: str) -> Iterator[dict[str, str]]:
    """Yield the vectors of a file of CAVS: fields by name, ``FAIL`` where it must not open."""
    group: dict[str, str] = {}
    for block in (FOLDER / name).read_text().split("\n\n"):
        lines = [line.strip("[] ") for line in block.splitlines() if not line.startswith("#")]
        named = [line.partition("=") for line in lines if line]
        fields = {name.strip(): value.strip() for name, _, value in named}
        if "Count" in fields:
            if SIZES.items() <= group.items():
                yield fields
        else:
            group |= fields


def parts(vector: dict[str, str]) -> tuple[bytes, bytes, dict[str, bytes]]:
    """Return the key, what is sealed with its tag, and what else is known."""
    key, nonce, known, sealed, tag = [
        bytes.fromhex(vector[name]) for name in ("Key", "IV", "AAD", "CT", "Tag")
    ]
    return key, sealed + tag, {"nonce": nonce, "associated": known}


def test_what_is_sealed_is_what_is_published() -> None:
    tried = 0
    for vector in vectors("gcmEncryptExtIV256.rsp"):
        key, sealed, known = parts(vector)
        assert encrypt(key, bytes.fromhex(vector["PT"]), **known) == sealed
        tried += 1

    assert tried == 375


def test_what_opens_and_what_does_not_is_what_is_published() -> None:
    tried = {"opens": 0, "is refused": 0}
    for vector in vectors("gcmDecrypt256.rsp"):
        key, sealed, known = parts(vector)
        if "FAIL" in vector:
            tried["is refused"] += 1
            with pytest.raises(SecretUnreadable):
                decrypt(key, sealed, **known)
        else:
            tried["opens"] += 1
            assert decrypt(key, sealed, **known) == bytes.fromhex(vector["PT"])

    assert min(tried.values()) > 100
    assert sum(tried.values()) == 375
