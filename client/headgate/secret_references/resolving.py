"""Blocks as a run or its agent reads them, with the secrets of other stores in their places."""

import asyncio
import importlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import msgspec

from headgate.api import blocks
from headgate.api.blocks import ResolvedBlock, at_path, replaced_at
from headgate.api.calls import LeaseInput
from headgate.api.transport import Transport
from headgate.errors import (
    BlockError,
    SecretNotFoundError,
    SecretReferenceError,
    SecretStoreUnavailableError,
    UnknownSecretStoreError,
)
from headgate.redaction import redactor
from headgate.settings import Settings, load_settings

logger = logging.getLogger("headgate.blocks")

KEY = "$secret"
"""What a value that names a secret, instead of being one, has as its only key."""
ANSWER_SECONDS = 30.0
"""How long a store may take for one secret, signing in included."""
MAX_SECRET_BYTES = 64 * 1024
"""As large as a secret that Headgate itself keeps."""

Finder = Callable[[Mapping[str, Any], Settings], Awaitable[Any]]

_FOLDER = "headgate.secret_references"
BUILT_IN = {
    "env": "env",
    "file": "file",
    "vault": "vault",
    "aws-secrets-manager": "aws",
    "gcp-secret-manager": "gcp",
    "azure-key-vault": "azure",
}
"""The modules of the stores that come with Headgate: imported when a secret lies in one."""

SIGN_OUT_SECONDS = 2.0
"""How long the end of a run waits for its stores; what is not given back dies of old age."""

_finders: dict[str, Finder] = {}
_leaving: dict[str, Callable[[], Awaitable[None]]] = {}
"""By store that keeps something signed in: what gives it back."""


def add_provider(name: str, find: Callable[[Mapping[str, Any]], Any]) -> None:
    """Let a function find the secrets of one more kind of store.

    Args:
        name: what ``provider`` says in a reference.
        find: takes what stands there, and returns the secret; it is called in a thread.
    """

    async def found(place: Mapping[str, Any], settings: Settings) -> Any:
        return await asyncio.to_thread(find, place)

    _finders[name] = found


async def resolve(
    transport: Transport, *, lease: LeaseInput, references: list[str]
) -> dict[str, ResolvedBlock]:
    """Return blocks with all their secrets to the run that holds a lease, by reference.

    Those that lie in stores of the customer's are read now, from here, and kept nowhere. From here
    on this process masks the secrets in whatever it says.

    Raises:
        NotFoundError: no such block, or the run may not use it.
        LeaseLostError: the run has ended, or was given to another.
        SecretReferenceError: a secret of another store cannot be had.
        MissingExtraError: the library of a store is not installed here.
    """
    found = await blocks.resolve(transport, lease=lease, references=references)
    if not any(block.external_paths for block in found.values()):
        return found
    settings = load_settings()
    return {name: await filled(name, block, settings=settings) for name, block in found.items()}


def has_signed_in() -> bool:
    """Whether a store may hold something for this process that it is to give back."""
    return bool(_leaving)


async def sign_out() -> None:
    """Give back what the stores have made for this process; the next read signs in again."""
    try:
        async with asyncio.timeout(SIGN_OUT_SECONDS):
            for leave in _leaving.values():
                await leave()
    except TimeoutError:
        logger.debug("A store of secrets did not answer within %g s", SIGN_OUT_SECONDS)


async def filled(reference: str, block: ResolvedBlock, *, settings: Settings) -> ResolvedBlock:
    """Return a block with the secrets of other stores in their places.

    Raises:
        SecretReferenceError: one of them cannot be had; the message says which.
        MissingExtraError: the library of a store is not installed here.
    """
    if not block.external_paths:
        return block
    reading = [
        _attempt(at_path(block.data, path)[KEY], settings=settings) for path in block.external_paths
    ]
    data: Any = block.data
    named = {path: at_path(data, path) for path in block.external_paths}
    for path, value in zip(block.external_paths, await asyncio.gather(*reading), strict=True):
        if isinstance(value, BlockError):
            message = f"{reference}, {path}: {value}"
            raise type(value)(message) from value.__cause__
        data = replaced_at(data, path, value)
    return msgspec.structs.replace(
        block,
        data=data,
        secret_paths=sorted({*block.secret_paths, *block.external_paths}),
        named_elsewhere=named,
    )


async def _attempt(place: Mapping[str, Any], *, settings: Settings) -> Any:
    """Return the secret that a place names, or why it cannot be had."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            found = await _finder(place)(place, settings)
        value = _selected(found, field=place.get("field"))
    except BlockError as error:
        return error
    except TimeoutError:
        return SecretStoreUnavailableError(
            f"the store {place.get('provider')} did not answer within {ANSWER_SECONDS:.0f} s"
        )
    redactor.add(value)
    return value


def _finder(place: Mapping[str, Any]) -> Finder:
    name = str(place.get("provider"))
    if name not in _finders and name in BUILT_IN:
        module = importlib.import_module(f"{_FOLDER}.{BUILT_IN[name]}")
        _finders[name] = module.find
        if hasattr(module, "sign_out"):
            _leaving[name] = module.sign_out
    found = _finders.get(name)
    if found is None:
        known = ", ".join(sorted({*BUILT_IN, *_finders}))
        message = f"there is no store {name!r}; it is one of: {known}"
        raise UnknownSecretStoreError(message)
    return found


def _selected(found: Any, *, field: Any) -> Any:
    """Return a secret, or the field of it that a reference asks for; no value is ever told."""
    if isinstance(found, str | bytes) and len(found) > MAX_SECRET_BYTES:
        message = f"the secret has more than {MAX_SECRET_BYTES // 1024} KiB"
        raise SecretReferenceError(message)
    if isinstance(found, bytes):
        try:
            found = found.decode("utf-8")
        except UnicodeDecodeError:
            message = "the secret is no UTF-8 text; store it as Base64"
            raise SecretReferenceError(message) from None
    if field is None:
        return found
    if isinstance(found, str):
        try:
            found = msgspec.json.decode(found)
        except msgspec.DecodeError:
            message = f"the secret is no JSON object, so it has no field {field!r}"
            raise SecretReferenceError(message) from None
    if not isinstance(found, dict) or field not in found:
        message = f"the secret has no field {field!r}"
        raise SecretNotFoundError(message)
    return cast("dict[str, Any]", found)[field]
