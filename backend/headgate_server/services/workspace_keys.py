"""Keys of workspaces: made when first needed, rotated, wrapped anew, destroyed.

A provider of keys is never asked inside a transaction. What it unwrapped is remembered for a while
at most, so that an installation whose provider is away goes on that long and then says so.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from uuid import UUID

from headgate_server.crypto.envelope import Place, SealingKey, make_secret, seal, unseal
from headgate_server.crypto.errors import KeyProviderAway, SecretUnreadable
from headgate_server.crypto.providers import KekVersion, Providers, WrapContext, Wrapped
from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.errors import Conflict, NotFound, Unavailable
from headgate_server.domain.workspace_keys import KekUse, SealedValue, WorkspaceKey
from headgate_server.repositories import workspace_keys, workspaces
from headgate_server.repositories.blocks import documents
from headgate_server.services import kek_checks
from headgate_server.services.audit_entries.record import record_action

logger = logging.getLogger("headgate")

OpenWork = Callable[[], AbstractAsyncContextManager[UnitOfWork]]

REMEMBERED_SECONDS = 15 * 60
"""How long an unwrapped key serves after its provider went away."""
BATCH = 200
MOST_TOLD = 20
"""So many of the values that do not open are named."""
WRAPS_AT_ONCE = 16


class KeyDestroyed(NotFound):
    """The key of this value was destroyed; store the value again."""


class Keyring:
    """Unwraps keys of workspaces, and remembers them for a while."""

    def __init__(
        self, providers: Providers, *, read_clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.providers = providers
        self._read_clock = read_clock
        self._remembered: dict[tuple[UUID, UUID], tuple[float, SealingKey]] = {}

    async def unwrap(self, key: WorkspaceKey) -> SealingKey:
        """Return a key that was just read: one that was destroyed is not remembered.

        Raises:
            KeyDestroyed: it was destroyed.
            KeyProviderAway: its provider is away, and it was not unwrapped lately.
            KeyMismatch: the key of its version is another one now.
        """
        name, now = (key.workspace_id, key.id), self._read_clock()
        if key.wrapped is None:
            self._remembered.pop(name, None)
            raise KeyDestroyed
        until, known = self._remembered.get(name, (now, None))
        if known is not None and now < until:
            return known
        self._forget(now)
        with _telling():
            secret = await kek_checks.unwrap_own(self.providers, key)
        made = SealingKey(id=key.id.bytes, secret=secret)
        self._remembered[name] = (now + REMEMBERED_SECONDS, made)
        return made

    def _forget(self, now: float) -> None:
        for name in [name for name, (until, _) in self._remembered.items() if until <= now]:
            del self._remembered[name]


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """What wrapping anew came to."""

    kek: KekVersion
    key_count: int


async def get_active(open_work: OpenWork, keyring: Keyring) -> tuple[UUID, SealingKey]:
    """Return the key that seals in a workspace, and make it where there is none.

    Two who make one at once get the same. Whoever seals with it holds it in the transaction that
    stores the value; see ``hold_active``.

    Raises:
        KeyProviderAway: the provider is away.
        KeyMismatch: the installation has another key than the one that wrapped before.
    """
    async with open_work() as work:
        found, workspace_id = await workspace_keys.find_active(work), work.workspace_id
    if found is None:
        id_, wrapped = await _make(open_work, keyring, workspace_id)
        async with open_work() as work:
            found = await _insert(work, id_, wrapped) or await workspace_keys.find_active(work)
    if found is None:
        raise Unavailable
    return found.id, await keyring.unwrap(found)


async def hold_active(work: UnitOfWork, *, id_: UUID) -> None:
    """Keep a key from being retired until the transaction ends.

    Raises:
        Unavailable: it seals no more; get the key that does.
    """
    if not await workspace_keys.hold_active(work, id_=id_):
        raise Unavailable("The workspace's key was just rotated; try again.")


async def get_many(
    open_work: OpenWork, keyring: Keyring, key_ids: Sequence[UUID]
) -> dict[UUID, SealingKey]:
    """Return keys that values of a workspace are sealed under.

    Raises:
        KeyDestroyed: one of them was.
    """
    async with open_work() as work:
        found = await workspace_keys.get_many(work, key_ids)
    return {id_: await keyring.unwrap(key) for id_, key in found.items()}


async def rotate(database: Database, keyring: Keyring, *, workspace_id: UUID) -> int:
    """Make a new key that seals in a workspace, seal its values anew, and return how many.

    Raises:
        NotFound: there is no such workspace.
    """
    id_, wrapped = await _make(database.system, keyring, workspace_id)
    async with database.system(workspace_id=workspace_id) as work:
        if not await workspaces.get_many(work, [workspace_id]):
            raise NotFound
        await workspace_keys.retire_active(work)
        if await _insert(work, id_, wrapped) is None:
            raise Unavailable("Another rotation of this workspace began just now; try again.")
        await _record(work, "keys_rotated", count=1)
    return await reseal(database, keyring, workspace_id=workspace_id)


async def reseal(database: Database, keyring: Keyring, *, workspace_id: UUID) -> int:
    """Seal under the active key whatever is not yet, then destroy the keys nothing needs.

    Goes on where an earlier one ended, wherever that was: each value is compared and set. Values
    whose key was destroyed, before or meanwhile, stay as they are: nothing opens them. So do such
    as do not open under their key; all others are sealed anew all the same.

    Raises:
        Conflict: values do not open; it names them. Their key stays.
    """

    def open_work() -> AbstractAsyncContextManager[UnitOfWork]:
        return database.system(workspace_id=workspace_id)

    count = 0
    spoilt: dict[tuple[UUID, str], SealedValue] = {}
    while True:
        id_, active = await get_active(open_work, keyring)
        async with open_work() as work:
            listed = await workspace_keys.list_sealed_otherwise(
                work, key_id=id_, limit=BATCH + len(spoilt)
            )
        values = [one for one in listed if (one.block_document_id, one.path) not in spoilt]
        if not values:
            break
        try:
            keys = await get_many(open_work, keyring, list({value.key_id for value in values}))
        except KeyDestroyed:
            # Those of that key are not listed again.
            continue
        anew: list[tuple[SealedValue, bytes]] = []
        for value in values:
            try:
                anew.append((value, _reseal(value, keys[value.key_id], active)))
            except SecretUnreadable:
                spoilt[value.block_document_id, value.path] = value
        async with open_work() as work:
            await hold_active(work, id_=id_)
            count += await workspace_keys.update_sealing(
                work, [one for one, _ in anew], key_id=id_, blobs=[blob for _, blob in anew]
            )
    async with open_work() as work:
        await workspace_keys.destroy_keys(work, is_unused_only=True)
        told = await _tell_spoilt(work, list(spoilt.values()), sealed=count)
    if told:
        raise Conflict(told)
    return count


async def _tell_spoilt(work: UnitOfWork, values: Sequence[SealedValue], *, sealed: int) -> str:
    """Return which values do not open; empty where there is none, or each was deleted meanwhile."""
    found = await documents.get_many(work, [one.block_document_id for one in values])
    named = sorted(
        f"{found[one.block_document_id].reference}: {one.path}"
        for one in values
        if one.block_document_id in found
    )
    if not named:
        return ""
    more = f" and {len(named) - MOST_TOLD} more" if len(named) > MOST_TOLD else ""
    return (
        f"{sealed} values are sealed anew. {len(named)} do not open, and keep their key: "
        f"{', '.join(named[:MOST_TOLD])}{more}. Fill these secrets in again, or restore them, and "
        "go on with --resume."
    )


async def rewrap(database: Database, keyring: Keyring) -> Rewrapped:
    """Wrap every key with the provider's newest version; no value is touched.

    Goes on where an earlier one ended, since it looks for what another version wraps.

    Raises:
        KeyProviderAway: the provider of a key is away; those before it are wrapped anew.
        KeyMismatch: a version is another key than it was.
    """
    kek = await keyring.providers.newest()
    await kek_checks.confirm(database.system, keyring.providers, kek=kek)
    after: tuple[UUID, UUID] | None = None
    count = 0
    while True:
        async with database.system() as work:
            keys = await workspace_keys.list_wrapped_otherwise(
                work, kek=_parts(kek), after=after, limit=BATCH
            )
        if not keys:
            return Rewrapped(kek, count)
        after = (keys[-1].workspace_id, keys[-1].id)
        anew = await _wrap_many(keyring, keys)
        await kek_checks.confirm(database.system, keyring.providers, kek=kek)
        async with database.system() as work:
            for key, wrapped in anew:
                count += await workspace_keys.update_wrapping(
                    work, key, wrapped=wrapped.data, kek=_parts(wrapped.kek)
                )


async def destroy(database: Database, *, workspace_id: UUID, is_deleted: bool = False) -> int:
    """Destroy all keys of a workspace, and return how many: nothing sealed there opens again.

    Args:
        database: where they are.
        workspace_id: whose.
        is_deleted: whether it is known to be deleted: then it may well have none any more.

    Raises:
        NotFound: there is no such workspace, and no key of one that was.
    """
    async with database.system(workspace_id=workspace_id) as work:
        count = await workspace_keys.destroy_keys(work, is_unused_only=False)
        if not (count or is_deleted or await workspaces.get_many(work, [workspace_id])):
            raise NotFound
        if count:
            await _record(work, "keys_destroyed", count=count)
        return count


async def _record(work: UnitOfWork, verb: str, *, count: int) -> None:
    """Write into the audit log of the workspace's organization what became of its keys."""
    id_ = work.workspace_id
    found = (await workspaces.get_many(work, [id_])).get(id_)
    name = found.name if found is not None else ids.show(ids.Kind.WORKSPACE, id_)
    await record_action(
        work, verb, kind=ids.Kind.WORKSPACE, id_=id_, name=name, said={"keys": count}
    )


async def count_by_kek(work: UnitOfWork) -> list[KekUse]:
    """Return how many keys each version of each provider wraps: one of none may be retired."""
    return await workspace_keys.count_by_kek(work)


async def _wrap_many(
    keyring: Keyring, keys: Sequence[WorkspaceKey]
) -> list[tuple[WorkspaceKey, Wrapped]]:
    turns = asyncio.Semaphore(WRAPS_AT_ONCE)

    async def wrap(key: WorkspaceKey) -> tuple[WorkspaceKey, Wrapped]:
        context = WrapContext(key.workspace_id, key.id)
        async with turns:
            secret = await kek_checks.unwrap_own(keyring.providers, key)
            return key, await keyring.providers.wrap(secret, context=context)

    try:
        async with asyncio.TaskGroup() as tasks:
            wrapping = [tasks.create_task(wrap(key)) for key in keys]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in wrapping]


async def _make(open_work: OpenWork, keyring: Keyring, workspace_id: UUID) -> tuple[UUID, Wrapped]:
    id_, providers = ids.new_id(), keyring.providers
    with _telling():
        wrapped = await providers.wrap(make_secret(), context=WrapContext(workspace_id, id_))
        await kek_checks.confirm(open_work, providers, kek=wrapped.kek)
    return id_, wrapped


@contextmanager
def _telling() -> Generator[None]:
    """Log what callers are not told: why a provider does not serve, and where its keys lie."""
    try:
        yield
    except KeyProviderAway as away:
        logger.warning("keys: %s", away.detail)
        raise


async def _insert(work: UnitOfWork, id_: UUID, wrapped: Wrapped) -> WorkspaceKey | None:
    return await workspace_keys.insert_active(
        work, id_=id_, wrapped=wrapped.data, kek=_parts(wrapped.kek)
    )


def _reseal(value: SealedValue, old: SealingKey, new: SealingKey) -> bytes:
    place = Place(value.workspace_id, value.block_document_id, value.path, value.version)
    return seal(new, unseal(old, value.blob, context=place.context), context=place.context)


def _parts(kek: KekVersion) -> tuple[str, str, str]:
    return (kek.provider, kek.id, kek.version)
