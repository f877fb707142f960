"""What a provider of the installation's key does: it wraps the keys of workspaces, and unwraps.

A key that wraps keys (KEK) never leaves its provider, but for key files. Several providers may be
named: the first one wraps, each unwraps what it wrapped, so that an installation can move.
"""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from uuid import UUID

from headgate_server.crypto.errors import KeyMismatch, KeyProviderAway
from headgate_server.domain.errors import ConfigurationError

logger = logging.getLogger("headgate")

PURPOSE = "workspace-key"
RENEW_AGAIN_SECONDS = 30.0
"""After so long a provider that did not renew is asked again."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WrapContext:
    """What a wrapped key is for; it unwraps for nothing else."""

    workspace_id: UUID
    key_id: UUID
    purpose: str = PURPOSE

    def as_texts(self) -> dict[str, str]:
        """Return the context as names and texts, always in the same order."""
        return {
            "purpose": self.purpose,
            "workspace_id": str(self.workspace_id),
            "dek_id": str(self.key_id),
        }


@dataclass(frozen=True, slots=True)
class KekVersion:
    """One version of one key of one provider."""

    provider: str
    id: str
    version: str


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A wrapped key, and what it was wrapped with."""

    kek: KekVersion
    data: bytes = field(repr=False)


class KeyProvider(Protocol):
    """A place that holds a key and wraps other keys with it."""

    @property
    def name(self) -> str:
        """Return what kind of provider this is."""
        ...

    @property
    def key_id(self) -> str:
        """Return which of its keys is used."""
        ...

    async def newest(self) -> KekVersion:
        """Return the version that wraps.

        Raises:
            KeyProviderAway: it does not answer, or not with what was asked.
        """
        ...

    async def wrap(self, secret: bytes, *, context: WrapContext) -> Wrapped:
        """Return a secret wrapped with the newest version.

        Raises:
            KeyProviderAway: it does not answer, or refuses for now.
        """
        ...

    async def unwrap(self, wrapped: Wrapped, *, context: WrapContext) -> bytes:
        """Return the secret that was wrapped for a context.

        Raises:
            SecretUnreadable: it was wrapped for another one, or is altered.
            KeyProviderAway: the provider does not answer, or does not have the key any more.
        """
        ...

    async def renew(self) -> float | None:
        """Renew what it signs in with; return in how many seconds to do it again, None for never.

        Raises:
            KeyProviderAway: it does not answer, or refuses.
        """
        ...


class Providers:
    """The providers of an installation, as one: the first wraps, each unwraps what is its own.

    What is wrong with one is a ``KeyProviderAway``, whose message does not say where keys lie.
    """

    def __init__(self, providers: Sequence[KeyProvider]) -> None:
        self._first = providers[0]
        self._by_key = {(provider.name, provider.key_id): provider for provider in providers}

    async def newest(self) -> KekVersion:
        """Return the version that wraps; see ``KeyProvider``."""
        return await _told(self._first.newest())

    async def wrap(self, secret: bytes, *, context: WrapContext) -> Wrapped:
        """Return a secret wrapped by the first provider; see ``KeyProvider``."""
        return await _told(self._first.wrap(secret, context=context))

    async def unwrap(self, wrapped: Wrapped, *, context: WrapContext) -> bytes:
        """Return the secret that one of the providers wrapped; see ``KeyProvider``."""
        provider = self._by_key.get((wrapped.kek.provider, wrapped.kek.id))
        if provider is None:
            raise KeyMismatch(
                f"A key was wrapped by {wrapped.kek.provider}:{wrapped.kek.id}, which HEADGATE_KEK "
                "does not name; name it there, after the one that wraps from now on."
            )
        return await _told(provider.unwrap(wrapped, context=context))

    async def renew_forever(self) -> None:
        """Keep signed in with the providers until this is cancelled, or none of them needs it."""
        async with asyncio.TaskGroup() as tasks:
            for provider in self._by_key.values():
                tasks.create_task(_renew_forever(provider))


async def _renew_forever(provider: KeyProvider) -> None:
    """Renew as often as a provider says; what is wrong for long is logged once."""
    seconds: float | None = 0.0
    told: str | None = None
    while seconds is not None:
        await asyncio.sleep(seconds)
        try:
            seconds = await provider.renew()
        except KeyProviderAway as away:
            level = logging.DEBUG if away.detail == told else logging.WARNING
            logger.log(level, "keys: the sign-in is not renewed: %s", away.detail)
            seconds, told = RENEW_AGAIN_SECONDS, away.detail
        else:
            told = None


async def _told(asked: Coroutine[Any, Any, T]) -> T:
    """Let what is wrong with a key file be told as of any provider: to operators alone."""
    try:
        return await asked
    except ConfigurationError as refused:
        raise KeyProviderAway(refused.message) from None
