"""Audit entries: who changed what, from where; and the chain that shows what was tampered with.

Entries are written with the change they tell of. A sealer numbers them later, organization by
organization, and links each to the one before: a hash chain, as in Crosby and Wallach, "Efficient
Data Structures for Tamper-Evident Logging" (2009), section 3. Chaining inside the change's own
transaction would make all writers of an organization wait for each other.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, cast
from uuid import UUID

from headgate_server.domain.ids import Kind, show
from headgate_server.domain.tenancy import Actor, Origin

GENESIS = bytes(32)
"""What the first entry of an organization is linked to."""
MAX_TEXT_LENGTH = 2_000
MAX_ITEMS = 200

OPAQUE = frozenset(
    {
        "base_job_template",
        "data",
        "details",
        "env",
        "git",
        "job_variables",
        "parameters",
        "parameter_schema",
        "pull_steps",
        "value",
    }
)
"""What people fill in freely, and so may have put a secret into: only its keys are shown."""
UNSAID = frozenset({"version", "updated_at", "created_at", "organization_id", "workspace_id"})
"""What says nothing of a change, or is said elsewhere in the entry."""
SWEPT = "swept"
"""The verb of a place that was deleted before: with this its last row is gone."""


@dataclass(frozen=True, slots=True)
class AuditTarget:
    """What was changed, as it was called then: it may be gone by now.

    Args:
        kind: the noun, such as ``deployment``.
        id: the object's id.
        name: what people call it.
    """

    kind: str
    id: UUID
    name: str

    @property
    def shown_id(self) -> str | None:
        """Return the id as the API shows it; None for a kind that only another version knows."""
        kind = Kind.__members__.get(self.kind.upper())
        return None if kind is None else show(kind, self.id)


@dataclass(frozen=True, slots=True)
class NewAuditEntry:
    """An entry that is to be written with the change it tells of."""

    action: str
    target: AuditTarget
    diff: Mapping[str, Any] | None = None
    workspace_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class AuditSeal:
    """An entry's place in its organization's chain: numbered from 1 without a gap."""

    sequence: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A change that somebody made; ``seal`` is None for the few seconds before it has one."""

    organization_id: UUID
    id: UUID
    at: datetime
    actor: Actor
    origin: Origin
    action: str
    target: AuditTarget
    workspace_id: UUID | None
    diff: Mapping[str, Any] | None
    seal: AuditSeal | None = None

    @property
    def is_sweep(self) -> bool:
        """Whether it tells that a deleted workspace or organization is swept away."""
        return self.action == f"{self.target.kind}.{SWEPT}"


@dataclass(frozen=True, slots=True)
class ChainLink:
    """A place in a chain, and the entry that is there; None where what is there cannot be one."""

    seal: AuditSeal
    entry: AuditEntry | None = None
    has_entry: bool = True


@dataclass(frozen=True, slots=True)
class AuditHead:
    """Where an organization's chain ends for now."""

    organization_id: UUID
    sequence: int = 0
    hash: bytes = GENESIS
    checkpointed: int = 0


@dataclass(frozen=True, slots=True)
class AuditCheckpoint:
    """A signed statement of where a chain stood: who keeps it can show what was changed since."""

    organization_id: UUID
    sequence: int
    hash: bytes
    at: datetime
    public_key: bytes
    signature: bytes

    def statement(self) -> bytes:
        """Return what is signed."""
        return checkpoint_statement(
            self.organization_id, sequence=self.sequence, hash_=self.hash, at=self.at
        )


def checkpoint_statement(
    organization_id: UUID, *, sequence: int, hash_: bytes, at: datetime
) -> bytes:
    """Return the bytes that a checkpoint's signature is made over."""
    return _canonical(
        {
            "purpose": "headgate-audit-checkpoint/1",
            "organization_id": str(organization_id),
            "sequence": sequence,
            "hash": hash_.hex(),
            "at": _instant(at),
        }
    )


def link(previous: bytes, entry: AuditEntry, *, sequence: int) -> bytes:
    """Return the hash of an entry in its place: SHA-256 over everything it says and the last hash.

    Args:
        previous: the hash of the entry before it; ``GENESIS`` for the first.
        entry: as the database returns it; its seal takes no part.
        sequence: its number.
    """
    said = {
        "format": "headgate-audit/1",
        "previous": previous.hex(),
        "sequence": sequence,
        "organization_id": str(entry.organization_id),
        "id": str(entry.id),
        "at": _instant(entry.at),
        "actor": [entry.actor.kind.value, _text(entry.actor.id), entry.actor.display_name],
        "api_key_id": _text(entry.origin.api_key_id),
        "login_session_id": _text(entry.origin.login_session_id),
        "address": entry.origin.address,
        "user_agent": entry.origin.user_agent,
        "request_id": entry.origin.request_id,
        "action": entry.action,
        "target": [entry.target.kind, str(entry.target.id), entry.target.name],
        "workspace_id": _text(entry.workspace_id),
        "diff": entry.diff,
    }
    if entry.origin.support_grant_id is not None:
        # Entries from before there was any keep their hashes.
        said["support_grant_id"] = str(entry.origin.support_grant_id)
    return hashlib.sha256(_canonical(said)).digest()


def difference(before: object, after: object) -> dict[str, Any] | None:
    """Return what changed between two states of an object, without what may be secret.

    Args:
        before: a dataclass or a mapping; None where the object is new.
        after: the same; None where it is gone.

    Returns:
        ``{"before": {...}, "after": {...}}`` with the fields that differ; None where none does.
    """
    old, new = _fields_of(before), _fields_of(after)
    names = sorted(
        name for name in old.keys() | new.keys() if _said(name) and old.get(name) != new.get(name)
    )
    if not names:
        return None
    diff: dict[str, Any] = {}
    for side, values in (("before", old), ("after", new)):
        shown = {name: _shown(name, values[name]) for name in names if name in values}
        diff[side] = shown or None
    return diff


def _said(name: str) -> bool:
    return name not in UNSAID and not name.endswith(("_hash", "_hashes", "_secret"))


def _fields_of(state: object) -> dict[str, Any]:
    if state is None:
        return {}
    if isinstance(state, Mapping):
        return dict(cast("Mapping[str, Any]", state))
    if not is_dataclass(state):
        raise TypeError(f"{type(state).__name__} is neither a dataclass nor a mapping")
    return {field.name: getattr(state, field.name) for field in fields(state)}


def _shown(name: str, value: Any) -> Any:
    if name in OPAQUE:
        if isinstance(value, Mapping):
            return {"keys": sorted(map(str, cast("Mapping[Any, Any]", value)))[:MAX_ITEMS]}
        return None if value is None else "(not shown)"
    return _plain(value)


def _plain(value: Any) -> Any:
    """Return a value as JSON holds it; what is long is cut."""
    match value:
        case None | bool() | int() | float():
            return value
        case Enum():
            return value.value
        case str():
            return value if len(value) <= MAX_TEXT_LENGTH else value[: MAX_TEXT_LENGTH - 1] + "…"
        case datetime():
            return _instant(value)
        case timedelta():
            return value.total_seconds()
        case bytes():
            return "(not shown)"
        case Mapping():
            items = list(cast("Mapping[Any, Any]", value).items())[:MAX_ITEMS]
            return {str(key): _shown(str(key), item) for key, item in items}
        case set() | frozenset():
            return sorted(str(_plain(item)) for item in cast("Collection[Any]", value))[:MAX_ITEMS]
        case list() | tuple():
            return [_plain(item) for item in list(cast("Collection[Any]", value))[:MAX_ITEMS]]
        case _:
            return _plain(_fields_of(value)) if is_dataclass(value) else str(value)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _text(id_: UUID | None) -> str | None:
    return None if id_ is None else str(id_)


def _canonical(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")
