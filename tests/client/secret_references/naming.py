"""Blocks that name secrets in other stores, and what becomes of them in this process."""

import asyncio
import logging
from typing import Any

import pytest

from headgate.api.blocks import ResolvedBlock
from headgate.blocks.external import SecretReference
from headgate.errors import BlockError
from headgate.secret_references.resolving import filled
from headgate.settings import load_settings

WHERE = "login/db"


def block_naming(*places: Any) -> ResolvedBlock:
    return ResolvedBlock(
        id="b",
        type_slug="login",
        name="db",
        version=1,
        data={"host": "h", "passwords": [{"$secret": place} for place in places]},
        secret_paths=[],
        external_paths=[f"passwords.{index}" for index in range(len(places))],
    )


def find(*references: SecretReference | dict[str, Any]) -> list[Any]:
    """Return the secrets that references name, as a run of this process finds them."""
    places = [one.place if isinstance(one, SecretReference) else one for one in references]
    block = asyncio.run(filled(WHERE, block_naming(*places), settings=load_settings()))
    assert block.data["host"] == "h"
    return block.data["passwords"]


def said_while_finding(caplog: pytest.LogCaptureFixture, *references: SecretReference) -> str:
    """Return all that any library logs meanwhile, where somebody looks for a fault."""
    with caplog.at_level(logging.DEBUG):
        find(*references)
    assert caplog.text
    return caplog.text


def fail(reference: SecretReference | dict[str, Any], kind: type[BlockError]) -> str:
    """Return what is said of a secret that cannot be had."""
    with pytest.raises(kind) as failed:
        find(reference)
    assert type(failed.value) is kind
    assert str(failed.value).startswith(f"{WHERE}, passwords.0: ")
    return str(failed.value)
