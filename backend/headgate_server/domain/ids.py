"""Object ids: a UUIDv7 in the database, a prefixed Crockford base32 word everywhere else."""

from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID, uuid4

from uuid_utils.compat import uuid7

from headgate_server.domain.errors import InvalidId

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_DECODE = {char: value for value, char in enumerate(_ALPHABET)} | {
    "i": 1,
    "l": 1,
    "o": 0,
}
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
"""Two characters at a time: pages show hundreds of ids."""
_WORD_LENGTH = 26


class Kind(StrEnum):
    """The prefix that tells what an id names."""

    ORGANIZATION = "org"
    WORKSPACE = "ws"
    USER = "user"
    SERVICE_ACCOUNT = "sa"
    API_KEY = "key"
    FLOW = "flow"
    DEPLOYMENT = "dep"
    DEPLOYMENT_VERSION = "depv"
    SCHEDULE = "sched"
    BACKFILL = "bkf"
    FAILURE_GROUP = "fgrp"
    SLA_RULE = "sla"
    SLA_VIOLATION = "slav"
    SAVED_VIEW = "view"
    FLOW_RUN = "run"
    TASK_RUN = "trun"
    STATE = "st"
    WORK_POOL = "pool"
    WORK_QUEUE = "queue"
    AGENT = "agent"
    AGENT_SESSION = "ases"
    EVENT = "evt"
    VARIABLE = "var"
    ARTIFACT = "art"
    ASSET = "asset"
    ASSET_MATERIALIZATION = "mat"
    BLOCK_TYPE = "btype"
    BLOCK_SCHEMA = "bschema"
    BLOCK_DOCUMENT = "blk"
    MEMBERSHIP = "mem"
    TEAM = "team"
    ROLE = "role"
    ROLE_BINDING = "bind"
    INVITATION = "inv"
    AUDIT_ENTRY = "aud"
    LOGIN_SESSION = "login"
    SUPPORT_GRANT = "sup"
    IDENTITY = "ident"
    BACKGROUND_TASK = "btask"
    CONCURRENCY_LIMIT = "limit"
    CONCURRENCY_LEASE = "slot"


def new_id() -> UUID:
    """Return a fresh UUIDv7: ids made later sort later, to the millisecond."""
    return uuid7()


def encode_word(value: UUID) -> str:
    """Return the 26 lower-case Crockford base32 characters of a UUID."""
    number = value.int
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)])


def decode_word(word: str) -> UUID:
    """Return the UUID of a 26-character word; reads I and L as 1, O as 0.

    Raises:
        InvalidId: wrong length, alphabet or range.
    """
    if len(word) != _WORD_LENGTH:
        raise InvalidId(f"An id has {_WORD_LENGTH} characters after its prefix.")
    number = 0
    for char in word.lower():
        value = _DECODE.get(char)
        if value is None:
            raise InvalidId("An id holds a character outside Crockford base32.")
        number = number << 5 | value
    if number >> 128:
        raise InvalidId("An id is out of range.")
    return UUID(int=number)


def show(kind: Kind, value: UUID) -> str:
    """Return the public form of an id, such as ``run_01jd…``."""
    return f"{kind.value}_{encode_word(value)}"


def parse(text: str, *, kind: Kind) -> UUID:
    """Return the UUID in a public id of the given kind.

    Raises:
        InvalidId: not an id, or an id of something else.
    """
    found, value = parse_any(text)
    if found is not kind:
        raise InvalidId(f"Expected an id that starts with {kind.value}_.")
    return value


def parse_any(text: str) -> tuple[Kind, UUID]:
    """Return the kind and the UUID of any public id except a state's.

    Raises:
        InvalidId: unknown prefix or malformed word.
    """
    prefix, _, word = text.partition("_")
    try:
        kind = Kind(prefix)
    except ValueError:
        raise InvalidId("An id starts with its kind, such as run_ or flow_.") from None
    return kind, decode_word(word)


def made_at(id_: UUID) -> datetime | None:
    """Return when a UUIDv7 was made, to the millisecond; None for any other UUID."""
    if id_.version != 7:
        return None
    try:
        return datetime.fromtimestamp((id_.int >> 80) / 1000, tz=UTC)
    except (ValueError, OverflowError):
        return None


def show_state(run_id: UUID, *, sequence: int) -> str:
    """Return the id of one state of a run: it encodes the run and the state's sequence."""
    return f"{Kind.STATE.value}_{encode_word(run_id)}_{sequence}"


def parse_state(text: str) -> tuple[UUID, int]:
    """Return the run and the sequence that a state's id encodes.

    Raises:
        InvalidId: not the id of a state.
    """
    prefix, _, rest = text.partition("_")
    word, _, sequence = rest.partition("_")
    if prefix != Kind.STATE.value or not sequence.isascii() or not sequence.isdigit():
        raise InvalidId("Expected the id of a state, st_<run>_<sequence>.")
    return decode_word(word), int(sequence[:18])


def new_token() -> UUID:
    """Return a random token that nobody can guess: unlike an id it tells no time."""
    return uuid4()
