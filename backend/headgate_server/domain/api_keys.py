"""Credentials: the form of every token, and the secrets behind them.

A token is ``hg_<kind>_<id>_<secret>_<checksum>``. The secret of an API key or an agent key is
random and only its peppered hash is kept. The tokens of an agent session and of a run are derived:
their id part says what they are good for and their secret signs it, so the same claim makes the
same token again and no row is written. They name the generation of the database that they were
derived for: one from before a restore speaks for rows that may not be the same any more.

Replicas of two versions serve beside each other while an upgrade rolls, and runs keep their tokens
across it. So a derived token of any version before is read, and so is one that says more than this
version knows: what stands behind the parts that it knows is left to later ones. What takes
something away from the token stands in its number, and is refused where it is not known.
"""

import hashlib
import hmac
import secrets
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from headgate_server.domain import ids
from headgate_server.domain.errors import HeadgateError, InvalidInput, Unauthenticated
from headgate_server.domain.peppers import peppers_of
from headgate_server.domain.permissions import Scope
from headgate_server.domain.tenancy import Actor

PREFIX = "hg"
SECRET_BYTES = 24
"""192 bits of a key's secret; keys of before have 160, and work on."""
SIGNATURE_BYTES = 20
"""160 bits of a derived token's signature, as of tokens that are in use."""
MAX_TOKEN_LENGTH = 512
"""Twice what is in use: later versions say more."""
MAX_NAME_LENGTH = 200
LAST_USED_RESOLUTION = timedelta(minutes=1)
"""How fine ``last_used_at`` is: a busy key does not write on every request."""
MAX_OVERLAP = timedelta(days=7)
"""How long the secret that a rotation replaced may stay good: long enough to deploy the new one."""
ENDED_RUN_GRACE = timedelta(minutes=1)
"""How long a run's token outlives its lease, so that a report whose answer was lost can be sent
again and is answered as before."""

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_DIGITS = {character: value for value, character in enumerate(_ALPHABET)}
_CHECKSUM_LENGTH = 7
_GRANT_BYTES = 72
_KEY_BYTES = 16
"""Behind the grant of a run, where a key began it; zeros stand for none."""
_SECRET_BYTES = 4
"""Behind that: which of the key's secrets was shown; zeros, or nothing, where it is not said."""
_EPOCH_BITS = 48
"""Of the 64 bits of a run token's number; the others say what it does not carry."""
WITHHELD = (
    Scope.BLOCKS_USE,
    Scope.VARIABLES_READ,
    Scope.VARIABLES_WRITE,
    Scope.RUNS_WRITE,
    Scope.ARTIFACTS_READ,
    Scope.EVENTS_WRITE,
)
"""What a run token may go without: all but what it tells of its own run. Tokens in use know these
by their places.

``RUNS_WRITE`` is no scope of runs: without it a run starts no others.
"""
_EPOCH_ZERO = datetime(1970, 1, 1, tzinfo=UTC)


class TokenKind(StrEnum):
    """What a token was issued for."""

    API_KEY = "key"
    AGENT_KEY = "agent"
    SESSION = "ses"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A long-lived credential, without its secret.

    ``workspace_id`` None is every workspace of the organization; ``work_pool_id`` is set for agent
    keys only.
    """

    organization_id: UUID
    id: UUID
    kind: TokenKind
    name: str
    prefix: str
    owner: Actor
    workspace_id: UUID | None
    work_pool_id: UUID | None
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    def is_usable(self, now: datetime) -> bool:
        """Whether the key opens anything at this time."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key to be created, with everything decided but its id and secret."""

    name: str
    owner: Actor
    scopes: frozenset[Scope]
    workspace_id: UUID | None = None
    work_pool_id: UUID | None = None
    expires_at: datetime | None = None

    @property
    def kind(self) -> TokenKind:
        """Return the kind: a key that is bound to a pool is an agent's."""
        return TokenKind.API_KEY if self.work_pool_id is None else TokenKind.AGENT_KEY


@dataclass(frozen=True, slots=True)
class KeyToken:
    """What the token of a stored key says."""

    kind: TokenKind
    id: UUID
    secret: str


@dataclass(frozen=True, slots=True)
class SessionToken:
    """What the token of an agent session says, once its signature was checked."""

    organization_id: UUID
    workspace_id: UUID
    session_id: UUID
    generation: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RunToken:
    """What the token of a run says, once its signature was checked.

    ``withheld`` are scopes that it does not carry, though tokens of runs otherwise do;
    ``api_key_id`` is the key that the run was begun with, and ``secret_number`` which of its
    secrets was shown: as that one ends, so does the token.
    """

    organization_id: UUID
    workspace_id: UUID
    run_id: UUID
    generation: UUID
    epoch: int
    withheld: frozenset[Scope] = frozenset()
    api_key_id: UUID | None = None
    secret_number: int | None = None


def check_name(name: str) -> str:
    """Return a key's name.

    Raises:
        InvalidInput: empty, over-long, padded or not printable.
    """
    if not 1 <= len(name) <= MAX_NAME_LENGTH or name != name.strip() or not name.isprintable():
        raise InvalidInput(
            f"A key's name has 1 to {MAX_NAME_LENGTH} printable characters and no space around it.",
            path=["name"],
        )
    return name


def new_secret() -> str:
    """Return a fresh random secret in the alphabet of tokens."""
    return _encode(secrets.token_bytes(SECRET_BYTES))


def hash_secret(secret: str, *, pepper: str) -> bytes:
    """Return what is stored of a secret: useless without the installation's pepper."""
    return hmac.digest(pepper.encode(), f"headgate:api-key:{secret}".encode(), hashlib.sha256)


def is_secret(secret: str, *, stored: bytes, pepper: str) -> bool:
    """Whether a secret is the one that was hashed, under this pepper or the one before it."""
    return any(
        hmac.compare_digest(hash_secret(secret, pepper=one), stored) for one in peppers_of(pepper)
    )


def key_prefix(key_id: UUID, *, kind: TokenKind) -> str:
    """Return the part of a key's token that may be shown, by which people recognise it."""
    return f"{PREFIX}_{kind.value}_{ids.encode_word(key_id)}"


def key_token(key_id: UUID, *, kind: TokenKind, secret: str) -> str:
    """Return the token of a stored key."""
    return _seal(f"{key_prefix(key_id, kind=kind)}_{secret}")


def session_token(
    session_id: UUID,
    *,
    organization_id: UUID,
    workspace_id: UUID,
    generation: UUID,
    expires_at: datetime,
    pepper: str,
) -> str:
    """Return the token of an agent session; the same arguments give the same token."""
    number = (expires_at - _EPOCH_ZERO) // timedelta(microseconds=1)
    parties = (organization_id, workspace_id, session_id, generation)
    return _derived(TokenKind.SESSION, parties, number=number, pepper=pepper)


def run_token(
    run_id: UUID,
    *,
    organization_id: UUID,
    workspace_id: UUID,
    generation: UUID,
    epoch: int,
    pepper: str,
    withheld: frozenset[Scope] = frozenset(),
    api_key_id: UUID | None = None,
    secret_number: int | None = None,
) -> str:
    """Return the token of a run under one epoch of its lease; same arguments, same token.

    Args:
        withheld: the scopes of ``WITHHELD`` that the token does not carry: who began the run does
            not hold them.
        api_key_id: the key that the run was begun with, if one was.
        secret_number: which of the key's secrets was shown.
    """
    parties = (organization_id, workspace_id, run_id, generation)
    bits = sum(1 << place for place, scope in enumerate(WITHHELD) if scope in withheld)
    number = epoch | bits << _EPOCH_BITS
    key = api_key_id.bytes if api_key_id is not None else b""
    if key and secret_number is not None:
        key += secret_number.to_bytes(_SECRET_BYTES, "big")
    return _derived(TokenKind.RUN, parties, number=number, pepper=pepper, more=key)


def parse_token(token: str, *, pepper: str) -> KeyToken | SessionToken | RunToken:
    """Return what a token says; a derived one is returned only with a right signature.

    A mistyped token fails here, before any query, by its checksum. The secret of a stored key is
    not checked yet.

    Raises:
        Unauthenticated: malformed, of no known kind, mistyped or forged.
    """
    if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
        raise Unauthenticated
    body, _, checksum = token.rpartition("_")
    if not hmac.compare_digest(checksum, _checksum(body)):
        raise Unauthenticated
    parts = body.split("_")
    if len(parts) != 4 or parts[0] != PREFIX:
        raise Unauthenticated
    _, word, payload, secret = parts
    try:
        kind = TokenKind(word)
        if kind in {TokenKind.API_KEY, TokenKind.AGENT_KEY}:
            return KeyToken(kind=kind, id=ids.decode_word(payload), secret=secret)
        if not any(
            hmac.compare_digest(secret, _signature(kind, payload, pepper=one))
            for one in peppers_of(pepper)
        ):
            raise Unauthenticated
        return _read_grant(kind, _decode(payload))
    except (ValueError, OverflowError):
        raise Unauthenticated from None
    except HeadgateError as error:
        raise Unauthenticated from error


def _derived(
    kind: TokenKind, parties: tuple[UUID, ...], *, number: int, pepper: str, more: bytes = b""
) -> str:
    said = b"".join(party.bytes for party in parties) + number.to_bytes(8, "big")
    payload = _encode(said + more)
    signature = _signature(kind, payload, pepper=pepper)
    return _seal(f"{PREFIX}_{kind.value}_{payload}_{signature}")


def _read_grant(kind: TokenKind, grant: bytes) -> SessionToken | RunToken:
    more, grant = grant[_GRANT_BYTES:], grant[:_GRANT_BYTES]
    if len(grant) != _GRANT_BYTES or 0 < len(more) < _KEY_BYTES:
        raise Unauthenticated
    organization_id, workspace_id, subject_id, generation = (
        UUID(bytes=grant[start : start + 16]) for start in (0, 16, 32, 48)
    )
    number = int.from_bytes(grant[64:], "big")
    if kind is TokenKind.RUN:
        bits = number >> _EPOCH_BITS
        if bits >> len(WITHHELD):
            raise Unauthenticated
        return RunToken(
            organization_id,
            workspace_id,
            run_id=subject_id,
            generation=generation,
            epoch=number & (1 << _EPOCH_BITS) - 1,
            withheld=frozenset(scope for place, scope in enumerate(WITHHELD) if bits >> place & 1),
            **_read_key(more),
        )
    return SessionToken(
        organization_id,
        workspace_id,
        session_id=subject_id,
        generation=generation,
        expires_at=_EPOCH_ZERO + timedelta(microseconds=number),
    )


def _read_key(more: bytes) -> dict[str, Any]:
    if not any(more[:_KEY_BYTES]):
        return {}
    number = more[_KEY_BYTES : _KEY_BYTES + _SECRET_BYTES].ljust(_SECRET_BYTES, b"\0")
    return {
        "api_key_id": UUID(bytes=more[:_KEY_BYTES]),
        "secret_number": int.from_bytes(number, "big") or None,
    }


def _signature(kind: TokenKind, payload: str, *, pepper: str) -> str:
    message = f"headgate:{kind.value}-token:{payload}".encode()
    return _encode(hmac.digest(pepper.encode(), message, hashlib.sha256)[:SIGNATURE_BYTES])


def _seal(body: str) -> str:
    return f"{body}_{_checksum(body)}"


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    return "".join(
        _ALPHABET[(number >> shift) & 31] for shift in range(5 * (_CHECKSUM_LENGTH - 1), -1, -5)
    )


def _encode(data: bytes) -> str:
    """Return bytes in Crockford base32, most significant first, padded with zero bits."""
    length = -(-len(data) * 8 // 5)
    number = int.from_bytes(data, "big") << (length * 5 - len(data) * 8)
    return "".join(_ALPHABET[(number >> 5 * place) & 31] for place in range(length - 1, -1, -1))


def _decode(text: str) -> bytes:
    number = 0
    for character in text:
        value = _DIGITS.get(character)
        if value is None:
            raise Unauthenticated
        number = number << 5 | value
    size = len(text) * 5 // 8
    return (number >> (len(text) * 5 - size * 8)).to_bytes(size, "big")
