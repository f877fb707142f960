"""Blocks that name secrets in other stores, and what becomes of them in this process."""

import logging
from typing import Any

import pytest

from headgate.api.background import background_loop
from headgate.api.blocks import ResolvedBlock
from headgate.blocks.external import SecretReference
from headgate.errors import BlockError
from headgate.secret_references.resolving import filled, sign_out
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
    reading = filled(WHERE, block_naming(*places), settings=load_settings())
    block = background_loop().run(reading)
    assert block.data["host"] == "h"
    return block.data["passwords"]


class _Heard(logging.Handler):
    """All that records have, also what only handlers of documents write down."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(f"{record.getMessage()} {record.__dict__}")


def said_while_finding(*references: SecretReference) -> str:
    """Return all that any library logs meanwhile, where somebody looks for a fault."""
    heard = _Heard()
    # Google's loggers pass nothing on to the root.
    loggers = [logging.getLogger(), logging.getLogger("google")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(heard)
        logger.setLevel(logging.DEBUG)
    try:
        find(*references)
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(heard)
            logger.setLevel(level)
    assert heard.said
    return "\n".join(heard.said)


def fail(reference: SecretReference | dict[str, Any], kind: type[BlockError]) -> str:
    """Return what is said of a secret that cannot be had."""
    with pytest.raises(kind) as failed:
        find(reference)
    assert type(failed.value) is kind
    assert str(failed.value).startswith(f"{WHERE}, passwords.0: ")
    return str(failed.value)


def leave() -> None:
    """Sign out of all stores, as the end of a run does."""
    background_loop().run(sign_out())
