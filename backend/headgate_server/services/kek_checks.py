"""Whether the installation has the key that it had: another one under the same version is noticed.

What a version wraps first is kept, and opens with the same key alone. It is looked at as a process
starts, whenever a key of a workspace is wrapped, and when an operator asks.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from headgate_server.crypto.errors import KeyMismatch, KeyProviderAway, SecretUnreadable
from headgate_server.crypto.providers import KekVersion, Providers, WrapContext, Wrapped
from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.workspace_keys import WorkspaceKey
from headgate_server.repositories import workspace_keys

OpenWork = Callable[[], AbstractAsyncContextManager[UnitOfWork]]

_CONSTANT = b"headgate: which key wraps here  "
_NOWHERE = UUID(int=0)
_CONTEXT = WrapContext(_NOWHERE, _NOWHERE, purpose="kek-check")


class Standing(StrEnum):
    """What is known of a version: the same key as ever, another one, or not to be had now."""

    SAME = "SAME"
    OTHER = "OTHER"
    AWAY = "AWAY"


@dataclass(frozen=True, slots=True)
class KekFinding:
    """One version of the installation's keys.

    Args:
        kek: which one.
        key_count: how many keys of workspaces it wraps.
        is_newest: whether it is what wraps from now on.
        standing: whether it is the key that it was.
        detail: what is wrong with it, for operators.
    """

    kek: KekVersion
    key_count: int
    is_newest: bool
    standing: Standing
    detail: str = ""


async def confirm(open_work: OpenWork, providers: Providers, *, kek: KekVersion) -> None:
    """Go on only if a version is the key that it was; what it wraps first is kept from now on.

    Raises:
        KeyMismatch: it is another one.
        KeyProviderAway: its provider is away.
    """
    parts = (kek.provider, kek.id, kek.version)
    if not await _opens(open_work, providers, kek):
        made = await providers.wrap(_CONSTANT, context=_CONTEXT)
        if made.kek == kek:
            async with open_work() as work:
                await workspace_keys.insert_check(work, kek=parts, wrapped=made.data)
            # Whoever was first has said which key it is.
            await _opens(open_work, providers, kek)


async def confirm_newest(database: Database, providers: Providers) -> None:
    """Do as ``confirm`` does with the version that wraps.

    Raises:
        KeyMismatch: it is another key than it was.
        KeyProviderAway: its provider is away.
    """
    await confirm(database.system, providers, kek=await providers.newest())


async def examine(database: Database, providers: Providers) -> list[KekFinding]:
    """Return what is known of each version that wraps, or is needed to unwrap; nothing is changed.

    Raises:
        KeyProviderAway: the provider that wraps does not say which version is its newest.
    """
    newest = await providers.newest()
    async with database.system() as work:
        uses = await workspace_keys.count_by_kek(work)
    counts = {KekVersion(use.provider, use.id, use.version): use.key_count for use in uses}
    found: list[KekFinding] = []
    for kek in [newest, *(kek for kek in counts if kek != newest)]:
        standing, detail = Standing.SAME, ""
        try:
            await _opens(database.system, providers, kek)
        except KeyMismatch as other:
            standing, detail = Standing.OTHER, other.detail
        except KeyProviderAway as away:
            standing, detail = Standing.AWAY, away.detail
        found.append(KekFinding(kek, counts.get(kek, 0), kek == newest, standing, detail))
    return found


async def _opens(open_work: OpenWork, providers: Providers, kek: KekVersion) -> bool:
    """Whether a version opens what it wrapped first; False where that is not known.

    Where nothing was kept, a key of a workspace that it wraps says as much, if there is one.

    Raises:
        KeyMismatch: it does not open it.
        KeyProviderAway: its provider is away.
    """
    parts = (kek.provider, kek.id, kek.version)
    async with open_work() as work:
        kept = await workspace_keys.find_check(work, kek=parts)
        own = await workspace_keys.find_wrapped_by(work, kek=parts) if kept is None else None
    if kept is not None:
        await _unwrap(providers, Wrapped(kek, kept), _CONTEXT)
    elif own is not None:
        await unwrap_own(providers, own)
    return kept is not None


async def unwrap_own(providers: Providers, key: WorkspaceKey) -> bytes:
    """Return a workspace's key that is not destroyed.

    Raises:
        KeyMismatch: it was wrapped by another key than the one of its version now.
        KeyProviderAway: the provider is away.
    """
    kek = KekVersion(key.kek_provider, key.kek_id, key.kek_version)
    wrapped = Wrapped(kek, key.wrapped or b"")
    return await _unwrap(providers, wrapped, WrapContext(key.workspace_id, key.id))


async def _unwrap(providers: Providers, wrapped: Wrapped, context: WrapContext) -> bytes:
    try:
        return await providers.unwrap(wrapped, context=context)
    except SecretUnreadable:
        kek = wrapped.kek
        raise KeyMismatch(
            f"Version {kek.version} of {kek.provider}:{kek.id} is another key than the one that "
            "wrapped with it before; put that one back, on every machine the same."
        ) from None
