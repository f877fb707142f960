"""Logging in: what the server's ``/auth`` answers to programs."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import aiohttp
import msgspec
import orjson

from headgate.api.background import background_loop
from headgate.api.calls import Answer
from headgate.errors import (
    BadRequestError,
    ForbiddenError,
    RateLimitedError,
    ServerFaultError,
    ServerUnavailableError,
)

T = TypeVar("T")
ANSWER_SECONDS = 30.0
PENDING, SLOW_DOWN, DENIED, EXPIRED = (
    "AUTHORIZATION_PENDING",
    "SLOW_DOWN",
    "ACCESS_DENIED",
    "EXPIRED_CODE",
)


class DeviceCodes(Answer, frozen=True):
    """What a person types in, and what this program asks with meanwhile."""

    device_code: str
    user_code: str
    verification_url: str
    verification_url_complete: str
    expires_in: int
    interval: int


class GrantedKey(Answer, frozen=True):
    """The key that a login brought."""

    api_key: str
    key_id: str
    organization: str
    user: str
    expires_at: str | None = None


def begin_device(url: str, *, client: str, scopes: Sequence[str], days: int) -> DeviceCodes:
    """Ask for a code that a person types in.

    Raises:
        ApiError: the server could not be asked, or refused.
    """
    body = {"client": client, "scopes": list(scopes), "days": days}
    return _post(url, "/auth/device/begin", body, answer=DeviceCodes)


def poll_device(url: str, *, device_code: str) -> GrantedKey:
    """Return the key, once somebody has allowed it.

    Raises:
        ForbiddenError: not yet, or never: its code is PENDING, SLOW_DOWN, DENIED or EXPIRED.
        ApiError: the server could not be asked.
    """
    return _post(url, "/auth/device/token", {"deviceCode": device_code}, answer=GrantedKey)


def redeem(url: str, *, code: str, verifier: str) -> GrantedKey:
    """Return the key for the code that a browser handed over.

    Raises:
        ForbiddenError: the code is not good.
        ApiError: the server could not be asked.
    """
    return _post(url, "/auth/cli/token", {"code": code, "verifier": verifier}, answer=GrantedKey)


def _post(url: str, path: str, body: dict[str, Any], *, answer: type[T]) -> T:
    status, said = background_loop().run(_exchange(f"{url}{path}", body))
    try:
        if status == 200:
            return msgspec.json.decode(said, type=answer)
        error = cast("dict[str, Any]", orjson.loads(said))["errors"][0]
        message, code = str(error["message"]), str(error["extensions"]["code"])
    except (ValueError, KeyError, IndexError, TypeError, msgspec.MsgspecError):
        text = f"{url} does not answer as a Headgate server does (status {status})"
        raise ServerFaultError(text) from None
    raise _kind(status)(message, code=code)


def _kind(status: int) -> Callable[..., Exception]:
    if status == 429:
        return RateLimitedError
    if status >= 500:
        return ServerUnavailableError
    return ForbiddenError if status in {400, 403} else BadRequestError


async def _exchange(url: str, body: dict[str, Any]) -> tuple[int, bytes]:
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    try:
        async with (
            # trust_env: HTTP(S)_PROXY and NO_PROXY hold.
            aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
            session.post(url, json=body, allow_redirects=False) as answer,
        ):
            return answer.status, await answer.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        message = f"{url} did not answer: {type(error).__name__}"
        raise ServerUnavailableError(message) from error
