"""Secrets of a KV engine of HashiCorp Vault or OpenBao, read as the agent's environment says.

``VAULT_ADDR``, ``VAULT_NAMESPACE`` and ``VAULT_CACERT`` are those of Vault's own tools. The agent
signs in with ``VAULT_TOKEN``; else as an AppRole, with ``VAULT_ROLE_ID`` and ``VAULT_SECRET_ID``;
else as its pod, with ``VAULT_KUBERNETES_ROLE``. ``VAULT_AUTH_MOUNT`` says where that method is, if
it is not where Vault puts it.
"""

import asyncio
import logging
import math
import os
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlsplit
from weakref import WeakKeyDictionary

import aiohttp
import msgspec
from yarl import URL

from headgate.api.background import reset_after_fork
from headgate.errors import (
    InvalidSecretReferenceError,
    SecretNotFoundError,
    SecretRefusedError,
    SecretStoreUnavailableError,
)
from headgate.secret_references.kept import environment
from headgate.secret_references.places import VaultPlace
from headgate.secret_references.reading import as_place, check_allowed
from headgate.settings import Settings

logger = logging.getLogger("headgate.blocks")

CALL_SECONDS = 10.0
KEPT_SHARE = 0.9
"""For which share of its life a token is used; then a new one is made."""
POD_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105  a path
_OK, _NO_CONTENT, _BAD_REQUEST, _FORBIDDEN, _NOT_FOUND = 200, 204, 400, 403, 404


async def find(place: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Return the fields of a secret of a KV engine, version 2.

    Raises:
        InvalidSecretReferenceError: a path or mount that is none.
        SecretNotFoundError: there is no such secret or version, or it was deleted.
        SecretRefusedError: Vault does not let the agent sign in, or read it, or its operator.
        SecretStoreUnavailableError: Vault does not answer, or the agent was not told where it is.
    """
    wanted = as_place(place, kind=VaultPlace)
    path = f"{_path(wanted.mount)}/data/{_path(wanted.path)}"
    name = f"{wanted.mount.strip('/')}/{wanted.path.strip('/')}"
    check_allowed(wanted.provider, name, settings)
    query = f"?version={wanted.version}" if wanted.version is not None else ""
    async with _Vault.from_environment(os.environ) as vault:
        found = await _read(vault, path + query, what=_named(wanted))
    data = found.get("data")
    fields = cast("dict[str, Any]", data).get("data") if isinstance(data, dict) else None
    if not isinstance(fields, dict):
        message = f"Vault has no {_named(wanted)} in a KV engine of version 2"
        raise SecretNotFoundError(message)
    return cast("dict[str, Any]", fields)


async def _read(vault: "_Vault", path: str, *, what: str) -> dict[str, Any]:
    """Read with the token that is kept; with a new one where that is good no more."""
    token, is_new = await _tokens.get(vault)
    try:
        return await vault.call("GET", path, token=token, what=what)
    except SecretRefusedError:
        if is_new or not _tokens.forget(token):
            raise
    await vault.sign_out(token)
    token, _ = await _tokens.get(vault)
    return await vault.call("GET", path, token=token, what=what)


def _named(wanted: VaultPlace) -> str:
    version = f", version {wanted.version}" if wanted.version is not None else ""
    return f"secret {wanted.mount}/{wanted.path}{version}"


def _path(text: str) -> str:
    """Return a path of Vault's for an address: none that leads out of its engine."""
    parts = text.strip("/").split("/")
    if any(part in {"", ".", ".."} for part in parts):
        message = f"{text!r} is no path of a secret in Vault"
        raise InvalidSecretReferenceError(message)
    return "/".join(quote(part, safe="") for part in parts)


@dataclass(frozen=True, slots=True)
class _Token:
    """A token that was made by signing in; ``vault`` opens the one that made it once more."""

    text: str
    good_until: float
    vault: Callable[[], "_Vault"]


class _Tokens:
    """The tokens of this process: one for each way to sign in, until it runs out."""

    def __init__(self) -> None:
        self._reset()
        reset_after_fork(self._reset)

    async def get(self, vault: "_Vault") -> tuple[str, bool]:
        """Return a token, and whether no newer one is to be had."""
        own = os.environ.get("VAULT_TOKEN")
        if own:
            return own, True
        key = environment("VAULT_")
        loop = asyncio.get_running_loop()
        async with self._locks.setdefault(loop, asyncio.Lock()):
            kept = self._made.get(key)
            if kept is not None and time.monotonic() < kept.good_until:
                return kept.text, False
            text, seconds = await vault.sign_in(os.environ)
            good_until = time.monotonic() + seconds * KEPT_SHARE
            self._made[key] = _Token(text, good_until, vault.again)
            return text, True

    def forget(self, text: str) -> bool:
        """Use a token no more, and return whether it was still in use."""
        found = [key for key, token in self._made.items() if token.text == text]
        for key in found:
            del self._made[key]
        return bool(found)

    async def give_back(self) -> None:
        """Give all tokens back."""
        while self._made:
            _, token = self._made.popitem()
            async with token.vault() as vault:
                await vault.sign_out(token.text)

    def _reset(self) -> None:
        self._made: dict[str, _Token] = {}
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = (
            WeakKeyDictionary()
        )


_tokens = _Tokens()


async def sign_out() -> None:
    """Give back what was made by signing in; the next read signs in again."""
    await _tokens.give_back()


class _Vault:
    """Vault's HTTP API. Redirects are not followed: the token goes to one host only."""

    def __init__(self, address: str, *, namespace: str | None, authorities: str | None) -> None:
        context = ssl.create_default_context(cafile=authorities)
        self.again = partial(_Vault, address, namespace=namespace, authorities=authorities)
        self._address = address.rstrip("/")
        self._headers = {"X-Vault-Request": "true"}
        if namespace:
            self._headers["X-Vault-Namespace"] = namespace
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context),
            timeout=aiohttp.ClientTimeout(total=CALL_SECONDS),
            trust_env=True,
        )

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "_Vault":
        address = variables.get("VAULT_ADDR", "")
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            message = "this agent was not told where Vault is; set VAULT_ADDR=https://HOST:8200"
            raise SecretStoreUnavailableError(message)
        authorities = variables.get("VAULT_CACERT") or None
        try:
            return cls(address, namespace=variables.get("VAULT_NAMESPACE"), authorities=authorities)
        except OSError as error:
            message = f"the file of VAULT_CACERT cannot be used: {type(error).__name__}"
            raise SecretStoreUnavailableError(message) from None

    async def __aenter__(self) -> "_Vault":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def sign_in(self, variables: Mapping[str, str]) -> tuple[str, float]:
        """Return a new token, and for how many seconds it is good."""
        if variables.get("VAULT_ROLE_ID"):
            method = "approle"
            body = {
                "role_id": variables["VAULT_ROLE_ID"],
                "secret_id": variables.get("VAULT_SECRET_ID", ""),
            }
        elif variables.get("VAULT_KUBERNETES_ROLE"):
            method = "kubernetes"
            body = {"role": variables["VAULT_KUBERNETES_ROLE"], "jwt": _pod_token(variables)}
        else:
            message = (
                "this agent has no credentials of Vault; set VAULT_TOKEN, VAULT_ROLE_ID and "
                "VAULT_SECRET_ID, or VAULT_KUBERNETES_ROLE"
            )
            raise SecretStoreUnavailableError(message)
        mount = _path(variables.get("VAULT_AUTH_MOUNT") or method)
        found = await self.call("POST", f"auth/{mount}/login", body=body, what="role")
        auth = found.get("auth")
        told = cast("dict[str, Any]", auth) if isinstance(auth, dict) else {}
        made, seconds = told.get("client_token"), told.get("lease_duration")
        if not isinstance(made, str):
            message = f"Vault lets this agent not sign in by {method}"
            raise SecretRefusedError(message)
        return made, float(seconds) if isinstance(seconds, int) and seconds else math.inf

    async def sign_out(self, token: str) -> None:
        """Give a token back; one that stays dies of old age."""
        try:
            await self.call("POST", "auth/token/revoke-self", token=token, what="token")
        except (SecretRefusedError, SecretNotFoundError, SecretStoreUnavailableError) as error:
            logger.debug("A token of Vault was not given back: %s", error)

    async def call(
        self,
        method: str,
        path: str,
        *,
        what: str,
        token: str | None = None,
        body: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Return the answer to a call; its errors tell neither what was sent nor what came."""
        headers = {**self._headers, **({"X-Vault-Token": token} if token else {})}
        try:
            async with self._session.request(
                method,
                URL(f"{self._address}/v1/{path}", encoded=True),
                headers=headers,
                data=msgspec.json.encode(body) if body is not None else None,
                allow_redirects=False,
            ) as answer:
                status, raw = answer.status, await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            message = f"Vault does not answer: {type(error).__name__}"
            raise SecretStoreUnavailableError(message) from None
        if status == _NO_CONTENT:
            return {}
        if status == _NOT_FOUND:
            message = f"Vault has no {what}"
            raise SecretNotFoundError(message)
        if status == _FORBIDDEN or (status == _BAD_REQUEST and token is None):
            message = f"Vault does not let this agent use the {what} (status {status})"
            raise SecretRefusedError(message)
        try:
            return msgspec.json.decode(raw, type=dict[str, Any]) if status == _OK else _fail(status)
        except msgspec.DecodeError:
            return _fail(status)


def _fail(status: int) -> dict[str, Any]:
    message = f"Vault answers with status {status}"
    raise SecretStoreUnavailableError(message)


def _pod_token(variables: Mapping[str, str]) -> str:
    file = Path(variables.get("VAULT_KUBERNETES_TOKEN_FILE") or POD_TOKEN)
    try:
        return file.read_text().strip()
    except OSError as error:
        message = f"the token of this pod cannot be read from {file}: {error.strerror}"
        raise SecretStoreUnavailableError(message) from None
