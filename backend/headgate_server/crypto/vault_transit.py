"""A key of Vault's transit engine (or OpenBao's), over its HTTP API.

The key must be of a type that takes associated data, such as ``aes256-gcm96``.
"""

import base64
import binascii
import http.client
import logging
import re
import ssl
from typing import cast
from urllib.parse import quote, urlsplit

import orjson

from headgate_server.crypto.asking import Asker
from headgate_server.crypto.envelope import join
from headgate_server.crypto.errors import KeyProviderAway, SecretUnreadable
from headgate_server.crypto.providers import KekVersion, WrapContext, Wrapped
from headgate_server.domain.errors import ConfigurationError

logger = logging.getLogger("headgate")

NAME = "vault-transit"
MOUNT = "transit"
ANSWER_SECONDS = 5.0
MAX_ANSWER_BYTES = 64 * 1024
LEAST_RENEWAL_SECONDS = 10.0
"""A token is not renewed more often, however soon it ends."""

_CIPHERTEXT = re.compile(r"vault:v([1-9][0-9]*):[A-Za-z0-9+/=]+")
_BAD_REQUEST = 400
_SILENCES = (OSError, http.client.HTTPException)


class VaultTransit:
    """One key of a transit engine. Redirects are not followed: the token goes to one host only."""

    name = NAME

    def __init__(self, url: str, *, key: str, token: str) -> None:
        """Hold an address.

        Args:
            url: Vault's address and the engine's path, if that is not ``transit``.
            key: the key's name in the engine.
            token: a token that may encrypt and decrypt with the key, and read it; one that ends
                is renewed by who calls ``renew``.
        """
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port
        self._is_tls = parts.scheme == "https"
        self._path = f"/v1/{parts.path.strip('/') or MOUNT}"
        self._key = key
        self._token = token
        self._id = f"{url.rstrip('/')}#{key}"
        self._asker = Asker(f"Vault, for {self._id},", silences=_SILENCES)

    @property
    def key_id(self) -> str:
        """Return the engine's address and the key's name."""
        return self._id

    async def newest(self) -> KekVersion:
        """Return the version that the engine encrypts with."""
        found = await self._call("GET", "keys")
        return self._version(str(found.get("latest_version")))

    async def wrap(self, secret: bytes, *, context: WrapContext) -> Wrapped:
        """Return a secret that the engine encrypted."""
        found = await self._call(
            "POST",
            "encrypt",
            {"plaintext": _base64(secret), "associated_data": _associated(context)},
        )
        text = str(found.get("ciphertext"))
        match = _CIPHERTEXT.fullmatch(text)
        if match is None:
            raise KeyProviderAway("Vault answers with something else than a ciphertext.")
        return Wrapped(self._version(match[1]), text.encode())

    async def unwrap(self, wrapped: Wrapped, *, context: WrapContext) -> bytes:
        """Return a secret that the engine decrypted."""
        text = wrapped.data.decode(errors="replace")
        match = _CIPHERTEXT.fullmatch(text)
        if match is None or match[1] != wrapped.kek.version:
            raise SecretUnreadable
        found = await self._call(
            "POST", "decrypt", {"ciphertext": text, "associated_data": _associated(context)}
        )
        try:
            return base64.b64decode(str(found.get("plaintext")), validate=True)
        except binascii.Error:
            raise SecretUnreadable from None

    async def renew(self) -> float | None:
        """Renew the token, and return when to do it again: at half of its time.

        None where it has no end, and where it has one that cannot be put off: that is logged.
        """
        path = "/v1/auth/token"
        found = await self._ask("GET", f"{path}/lookup-self", part="data", what="lookup-self")
        seconds = _seconds(found.get("ttl"))
        if not seconds:
            return None
        if not found.get("renewable"):
            logger.warning(
                "keys: the token for %s ends in %.0f s and is not renewable: then no secret can be "
                "had; set HEADGATE_VAULT_TOKEN to a periodic one",
                self._id,
                seconds,
            )
            return None
        renewed = await self._ask("POST", f"{path}/renew-self", part="auth", what="renew-self")
        return max(_seconds(renewed.get("lease_duration")) / 2, LEAST_RENEWAL_SECONDS)

    def _version(self, version: str) -> KekVersion:
        return KekVersion(self.name, self._id, version)

    async def _call(
        self, method: str, verb: str, body: dict[str, str] | None = None
    ) -> dict[str, object]:
        path = f"{self._path}/{verb}/{quote(self._key, safe='')}"
        return await self._ask(method, path, body, part="data", what=verb)

    async def _ask(
        self,
        method: str,
        path: str,
        body: dict[str, str] | None = None,
        *,
        part: str,
        what: str,
    ) -> dict[str, object]:
        """Return the part of an answer that tells what was asked for."""
        try:
            status, raw = await self._asker.ask(self._send, method, path, body)
        except _SILENCES as error:
            raise KeyProviderAway(f"Vault does not answer: {type(error).__name__}.") from None
        if status == _BAD_REQUEST and what == "decrypt":
            raise SecretUnreadable
        try:
            data = orjson.loads(raw)[part] if status == http.HTTPStatus.OK else None
        except (orjson.JSONDecodeError, KeyError, TypeError):
            data = None
        if not isinstance(data, dict):
            raise KeyProviderAway(f"Vault answers {what} with status {status}.")
        return cast("dict[str, object]", data)

    def _send(self, method: str, path: str, body: dict[str, str] | None) -> tuple[int, bytes]:
        connection = (
            http.client.HTTPSConnection(
                self._host,
                self._port,
                timeout=ANSWER_SECONDS,
                context=ssl.create_default_context(),
            )
            if self._is_tls
            else http.client.HTTPConnection(self._host, self._port, timeout=ANSWER_SECONDS)
        )
        headers = {"X-Vault-Token": self._token, "X-Vault-Request": "true"}
        try:
            connection.request(method, path, orjson.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(MAX_ANSWER_BYTES)
        finally:
            connection.close()


def open_vault_transit(address: str, *, token: str) -> VaultTransit:
    """Return a key of a transit engine from ``URL#KEY``.

    Raises:
        ConfigurationError: not such an address, or no token is set.
    """
    url, _, key = address.partition("#")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not key:
        raise ConfigurationError(
            "HEADGATE_KEK names a key of Vault as vault-transit:https://HOST[/MOUNT]#KEY; correct "
            "it and start again."
        )
    if not token:
        raise ConfigurationError("HEADGATE_KEK names Vault; set HEADGATE_VAULT_TOKEN, too.")
    return VaultTransit(url, key=key, token=token)


def _seconds(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _associated(context: WrapContext) -> str:
    parts = (f"{name}={text}".encode() for name, text in context.as_texts().items())
    return _base64(join(*parts))


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
