"""Idempotency keys: the same key and body are answered as before; another body is refused."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol, TypeVar, cast
from uuid import UUID

import orjson

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.errors import IdempotencyMismatch, InvalidInput, NotFound
from headgate_server.domain.slices import sliced
from headgate_server.repositories import idempotency_keys as repository
from headgate_server.repositories.idempotency_keys import KeyName

LIFETIME = timedelta(hours=24)
MAX_KEY_LENGTH = 255

Answer = dict[str, Any]


class Made(Protocol):
    """What is known by an id."""

    @property
    def id(self) -> UUID:
        """Its id."""
        ...


T = TypeVar("T", bound=Made)


async def once(
    work: UnitOfWork,
    *,
    operation: str,
    key: str | None,
    body: object,
    carry_out: Callable[[], Awaitable[Answer]],
) -> tuple[Answer, bool]:
    """Carry something out once for each key, and say whether this was a repetition.

    Two requests with one key at once: the second waits for the first to commit, then gets its
    answer. A request that failed has left no key behind.

    Args:
        work: the unit of work that carries it out.
        operation: keys of different operations are apart.
        key: the caller's; None carries it out in any case.
        body: what was asked for, as JSON; datetimes and UUIDs will do.
        carry_out: does it and returns what to keep of the answer, as JSON.

    Raises:
        InvalidInput: an empty, over-long or unprintable key.
        IdempotencyMismatch: the key was used with another body.
    """
    if key is None:
        return await carry_out(), False
    if not 1 <= len(key) <= MAX_KEY_LENGTH or not key.isprintable():
        raise InvalidInput(
            f"An idempotency key has 1 to {MAX_KEY_LENGTH} printable characters.",
            path=["idempotencyKey"],
        )
    name = KeyName(actor=f"{work.actor.kind}:{work.actor.id or ''}", operation=operation, key=key)
    input_hash = await _hash_of(body)
    used = await repository.claim(work, name, input_hash=input_hash, lifetime=LIFETIME)
    if used is None:
        answer = await carry_out()
        await repository.set_answer(work, name, answer=answer)
        return answer, False
    if used.input_hash != input_hash:
        raise IdempotencyMismatch
    return used.answer, True


async def _hash_of(body: object) -> str:
    """Return the hash of what was asked for, of many things one after another in slices.

    Of a list it is that of its entries' hashes: a batch takes some megabytes, which nobody else is
    to wait for.
    """
    if not isinstance(body, list):
        return _hash(body)
    many = cast("list[object]", body)
    return _hash([_hash(one) async for (one,) in sliced(many, size=1)])


def _hash(body: object) -> str:
    dumped = orjson.dumps(body, option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.sha256(dumped).hexdigest()


async def made_once(
    work: UnitOfWork,
    *,
    operation: str,
    key: str | None,
    body: object,
    make: Callable[[], Awaitable[tuple[T, bool]]],
    find: Callable[[Sequence[UUID]], Awaitable[Mapping[UUID, T]]],
) -> tuple[T, bool]:
    """Make or change an object once for each key; return it, and whether it was made.

    Args:
        work, operation, key, body: as of ``once``. What may be secret is no part of the body, whose
            hash is kept, but under the installation's pepper.
        make: does it.
        find: returns objects by id, for a repetition.

    Raises:
        NotFound: it was made before, and is gone by now.
    """
    made: list[T] = []

    async def carry_out() -> Answer:
        one, is_new = await make()
        made.append(one)
        return {"id": str(one.id), "created": is_new}

    answer, _ = await once(work, operation=operation, key=key, body=body, carry_out=carry_out)
    id_ = UUID(answer["id"])
    found = made[0] if made else (await find([id_])).get(id_)
    if found is None:
        raise NotFound
    return found, bool(answer["created"])
