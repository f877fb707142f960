"""The two algorithms against the vectors of Wycheproof."""

import json
from typing import Any

import pytest

from headgate_server.crypto.errors import SecretUnreadable
from headgate_server.crypto.primitives import decrypt, derive, encrypt
from tests.fixtures.repository import ROOT

VECTORS = ROOT / "tests/fixtures/wycheproof"


def groups(name: str) -> list[dict[str, Any]]:
    return json.loads((VECTORS / name).read_text())["testGroups"]


def test_aes_gcm_agrees_with_every_vector_of_96_bit_nonces() -> None:
    tried = {"valid": 0, "invalid": 0}

    for group in groups("aes_gcm.json"):
        if group["ivSize"] != 96:
            continue
        for test in group["tests"]:
            part = {name: bytes.fromhex(test[name]) for name in ("key", "iv", "aad", "msg", "ct")}
            sealed = part["ct"] + bytes.fromhex(test["tag"])
            known = {"nonce": part["iv"], "associated": part["aad"]}
            tried[test["result"]] += 1
            if test["result"] == "valid":
                assert encrypt(part["key"], part["msg"], **known) == sealed, test["tcId"]
                assert decrypt(part["key"], sealed, **known) == part["msg"], test["tcId"]
            else:
                with pytest.raises(SecretUnreadable):
                    decrypt(part["key"], sealed, **known)

    assert tried == {"valid": 116, "invalid": 81}


def test_hkdf_agrees_with_every_vector() -> None:
    tried = {"valid": 0, "invalid": 0}

    for group in groups("hkdf_sha512.json"):
        for test in group["tests"]:
            ikm, salt, info, okm = [
                bytes.fromhex(test[name]) for name in ("ikm", "salt", "info", "okm")
            ]
            tried[test["result"]] += 1
            if test["result"] == "valid":
                found = derive(ikm, salt=salt, info=info, size_bytes=test["size"])
                assert found == okm, test["tcId"]
            else:
                with pytest.raises(ValueError, match="derive"):
                    derive(ikm, salt=salt, info=info, size_bytes=test["size"])

    assert tried == {"valid": 80, "invalid": 3}
