"""How secrets of blocks are sealed and opened, each bound to the place that it is for."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import orjson

from headgate_server.crypto.envelope import Place, SealingKey, join, seal, unseal
from headgate_server.database.work import UnitOfWork
from headgate_server.domain.blocks.blocks import SealedSecret
from headgate_server.domain.errors import InvalidInput, Unavailable
from headgate_server.services import workspace_keys
from headgate_server.services.workspace_keys import Keyring, OpenWork

FINGERPRINT_BYTES = 16
_FINGERPRINT = b"headgate:block-secret"
_IMPRINT = b"headgate:block-request"


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals the secrets of a workspace.

    Args:
        pepper: the installation's secret; nobody tells from a fingerprint, who has it not.
        key: what seals, and its id; None where there is none, and ``reason`` says why.
    """

    pepper: str = field(repr=False)
    key: tuple[UUID, SealingKey] | None
    reason: InvalidInput | Unavailable | None = None

    def fingerprint(self, value: bytes, *, workspace_id: UUID, document_id: UUID, path: str) -> str:
        """Return what tells a secret from another in the same place, and nothing else of it."""
        parts = (_FINGERPRINT, workspace_id.bytes, document_id.bytes, path.encode(), value)
        found = hmac.digest(self.pepper.encode(), join(*parts), hashlib.sha256)
        return found[:FINGERPRINT_BYTES].hex()

    def imprint(self, asked: object) -> str:
        """Return what tells a request with secrets from another, and nothing else of it.

        Args:
            asked: the request, as JSON.
        """
        told = orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)
        return hmac.digest(self.pepper.encode(), join(_IMPRINT, told), hashlib.sha256).hex()

    async def seal_all(
        self,
        work: UnitOfWork,
        values: Mapping[str, bytes],
        *,
        document_id: UUID,
        current: Mapping[str, SealedSecret],
    ) -> list[SealedSecret]:
        """Return those of the secrets of a document that are not stored already, sealed.

        One whose key was destroyed is sealed anew, although it is the same.

        The key that seals stays the workspace's own until the transaction ends.

        Raises:
            InvalidInput: this installation has no key that could seal.
            Unavailable: the provider of the key is away, or the key was just rotated.
        """
        sealed: list[SealedSecret] = []
        for path, value in values.items():
            print_ = self.fingerprint(
                value, workspace_id=work.workspace_id, document_id=document_id, path=path
            )
            before = current.get(path)
            stored = before.fingerprint if before is not None and not before.is_lost else ""
            if hmac.compare_digest(stored, print_):
                continue
            if self.key is None:
                raise self.reason or Unavailable()
            key_id, key = self.key
            version = 1 if before is None else before.version + 1
            place = Place(work.workspace_id, document_id, path, version)
            blob = seal(key, value, context=place.context)
            sealed.append(SealedSecret(document_id, path, version, key_id, blob, print_))
        if sealed and self.key is not None:
            await workspace_keys.hold_active(work, id_=self.key[0])
        return sealed


async def open_sealer(open_work: OpenWork, keyring: Keyring | None, *, pepper: str) -> Sealer:
    """Return what seals in a workspace: never inside the transaction that stores secrets.

    Where nothing can seal, a block without secrets is stored all the same.
    """
    if keyring is None:
        reason = InvalidInput(
            "This installation keeps no secrets yet; its operator sets HEADGATE_KEK first.",
            path=["secrets"],
        )
        return Sealer(pepper, None, reason)
    try:
        return Sealer(pepper, await workspace_keys.get_active(open_work, keyring))
    except Unavailable as away:
        return Sealer(pepper, None, away)


async def open_secrets(
    open_work: OpenWork,
    keyring: Keyring | None,
    sealed: Sequence[SealedSecret],
    *,
    workspace_id: UUID,
) -> dict[UUID, dict[str, bytes]]:
    """Return the values of secrets, by document and path.

    Raises:
        KeyDestroyed: the key of one of them is gone.
        SecretUnreadable: one of them was tampered with.
        Unavailable: the provider of a key is away, or this process has none.
    """
    found: dict[UUID, dict[str, bytes]] = {}
    if not sealed:
        return found
    if keyring is None:
        raise Unavailable("This process cannot open secrets: its operator sets HEADGATE_KEK first.")
    key_ids = list({secret.key_id for secret in sealed})
    keys = await workspace_keys.get_many(open_work, keyring, key_ids)
    for secret in sealed:
        place = Place(workspace_id, secret.block_document_id, secret.path, secret.version)
        value = unseal(keys[secret.key_id], secret.blob, context=place.context)
        found.setdefault(secret.block_document_id, {})[secret.path] = value
    return found
