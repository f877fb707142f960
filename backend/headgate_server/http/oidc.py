"""OpenID Connect with one provider: discovery, the way there with PKCE, and what it sends back."""

import asyncio
import hmac
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet
from joserfc.jws import JWSRegistry

from headgate_server.domain.errors import HeadgateError, Unavailable
from headgate_server.domain.identities import (
    MAX_GROUPS,
    MAX_NAME_LENGTH,
    MAX_SUBJECT_LENGTH,
    Identity,
    Provider,
    SignInRefused,
    Trip,
    is_safe_address,
)
from headgate_server.domain.users import check_email
from headgate_server.outgoing.guards import Guard
from headgate_server.outgoing.targets import TargetRefused
from headgate_server.outgoing.transport import GuardedTransport

logger = logging.getLogger("headgate.http")

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures that only the provider can make: never none, and no shared secrets."""
KEY_TYPES = frozenset({"RSA", "EC"})
TOKEN_TYPES = frozenset({None, "JWT"})
ANSWER_SECONDS = 10.0
MAX_ANSWER_BYTES = 1024 * 1024
"""Providers of many tenants publish many keys."""
METADATA_SECONDS = 3600.0
"""How long addresses and keys are good without asking again: one that a provider takes out of its
keys signs nobody in for longer."""
KEYS_SECONDS = 60.0
"""How often a token that no known key has signed has us ask for keys again."""
LEEWAY_SECONDS = 60
MAX_AGE_SECONDS = 600
"""A token is made as the code is exchanged; one that is older was made for something else."""
SECRET_LENGTH = 48


class ProviderAway(Unavailable):
    """The provider cannot be reached right now; try again in a moment."""


class OidcClient:
    """Signs people in with one provider.

    Args:
        provider: which.
        redirect_uri: where it sends them back to; exactly what is registered there.
        guard: decides which of the addresses that the provider tells may be asked. Its own origin
            may be, wherever it is: the operator named it.
    """

    def __init__(self, provider: Provider, *, redirect_uri: str, guard: Guard) -> None:
        self.provider = provider
        self._guard = guard.trusting(provider.issuer)
        self._redirect_uri = redirect_uri
        self._asking: dict[str, asyncio.Task[dict[str, Any]]] = {}
        self._metadata: Mapping[str, Any] = {}
        self._metadata_until = 0.0
        self._keys: KeySet | None = None
        self._keys_read_at = 0.0

    async def begin(self) -> tuple[str, Trip]:
        """Return where to send somebody, and what to remember of it.

        Raises:
            ProviderAway: it does not tell its addresses.
            SignInRefused: what it tells is not its own.
        """
        metadata = await self._read_metadata()
        trip = Trip(*(generate_token(SECRET_LENGTH) for _ in range(3)))
        async with self._client(metadata) as client:
            location, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=trip.state,
                nonce=trip.nonce,
                code_verifier=trip.verifier,
            )
        return location, trip

    async def finish(self, answered: Mapping[str, str], trip: Trip) -> Identity:
        """Return whom the provider signed in.

        Args:
            answered: the parameters that it sent the browser back with.
            trip: what was remembered.

        Raises:
            ProviderAway: it does not answer.
            SignInRefused: anything is not as it must be; the log says what.
        """
        try:
            metadata = await self._read_metadata()
            self._check_answer(answered, metadata, trip)
            token = await self._exchange(answered["code"], metadata, trip)
            claims = await self._read_claims(token, metadata, trip)
            return self._identity(await self._complete(claims, token, metadata))
        except (_Fault, TargetRefused) as fault:
            raise self._refusal(str(fault)) from None
        except (AuthlibBaseError, JoseError, ValueError, TypeError, KeyError) as error:
            raise self._refusal(type(error).__name__) from None
        except httpx2.HTTPError as error:
            raise self._absence(error) from None

    def _check_answer(
        self, answered: Mapping[str, str], metadata: Mapping[str, Any], trip: Trip
    ) -> None:
        if not hmac.compare_digest(answered.get("state", "").encode(), trip.state.encode()):
            raise _Fault("another state")
        says_issuer = metadata.get("authorization_response_iss_parameter_supported") is True
        issuer = answered.get("iss")
        if issuer != self.provider.issuer and (issuer is not None or says_issuer):
            raise _Fault("the answer of another issuer")
        if "error" in answered or not answered.get("code"):
            raise _Fault("no code")

    async def _exchange(
        self, code: str, metadata: Mapping[str, Any], trip: Trip
    ) -> Mapping[str, Any]:
        async with self._client(metadata) as client:
            token: Mapping[str, Any] = await client.fetch_token(
                metadata["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=trip.verifier,
                redirect_uri=self._redirect_uri,
            )
        if not isinstance(token.get("id_token"), str):
            raise _Fault("no ID token")
        return token

    async def _read_claims(
        self, token: Mapping[str, Any], metadata: Mapping[str, Any], trip: Trip
    ) -> dict[str, Any]:
        decoded = await self._decode(str(token["id_token"]), metadata)
        if decoded.header.get("typ") not in TOKEN_TYPES:
            raise _Fault("a token of another type")
        client_id = self.provider.client_id
        claims: Any = CodeIDToken(
            decoded.claims,
            decoded.header,
            {
                "iss": {"essential": True, "value": self.provider.issuer},
                "aud": {"essential": True, "value": client_id},
                "nonce": {"essential": True, "value": trip.nonce},
            },
            {
                "nonce": trip.nonce,
                "client_id": client_id,
                "access_token": token.get("access_token"),
            },
        )
        claims.validate(leeway=LEEWAY_SECONDS)
        audience = decoded.claims["aud"]
        if isinstance(audience, list) and any(one != client_id for one in cast("Any", audience)):
            raise _Fault("a token for others, too")
        if not isinstance(decoded.claims["iss"], str):
            raise _Fault("another issuer")
        # nosemgrep: deadlines-are-monotonic - a token's own moment
        if decoded.claims["iat"] < time.time() - MAX_AGE_SECONDS - LEEWAY_SECONDS:
            raise _Fault("an old token")
        return dict(decoded.claims)

    async def _decode(self, text: str, metadata: Mapping[str, Any]) -> jwt.Token:
        offered = metadata.get("id_token_signing_alg_values_supported") or ALGORITHMS
        registry = JWSRegistry(
            algorithms=[one for one in ALGORITHMS if one in offered], strict_check_header=False
        )
        keys = await self._read_keys(metadata, is_fresh=False)
        try:
            return jwt.decode(text, keys, registry=registry)
        except JoseError:
            # Another key, by another name, by the same, or without one: that is how keys change.
            keys = await self._read_keys(metadata, is_fresh=True)
            return jwt.decode(text, keys, registry=registry)

    async def _complete(
        self, claims: dict[str, Any], token: Mapping[str, Any], metadata: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Add what the provider tells beside the token, where the token is a thin one."""
        wanted = {"email", "name", *self.provider.required}
        if self.provider.roles:
            wanted.add(self.provider.groups_claim)
        address = metadata.get("userinfo_endpoint")
        if wanted <= claims.keys() or not is_safe_address(address):
            return claims
        async with self._client(metadata, token=token) as client:
            answer = await client.get(str(address))
            answer.raise_for_status()
            told: Any = answer.json()
        if not isinstance(told, dict) or cast("dict[str, Any]", told).get("sub") != claims["sub"]:
            raise _Fault("what is told of another person")
        return cast("dict[str, Any]", told) | claims

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_LENGTH:
            raise _Fault("no subject")
        for name, value in self.provider.required.items():
            if claims.get(name) != value:
                raise _Fault(f"not the {name} that is required")
        groups: Any = claims.get(self.provider.groups_claim)
        found = cast("list[Any]", groups) if isinstance(groups, list) else [groups]
        email = claims.get("email")
        is_verified = claims.get("email_verified") is True and isinstance(email, str)
        return Identity(
            issuer=self.provider.issuer,
            subject=subject,
            email=_address(str(email)) if is_verified else None,
            display_name=_name(claims.get("name"), claims.get("preferred_username"), email),
            groups=frozenset(one for one in found[:MAX_GROUPS] if isinstance(one, str)),
        )

    async def _read_metadata(self) -> Mapping[str, Any]:
        if time.monotonic() < self._metadata_until:
            return self._metadata
        issuer = self.provider.issuer
        found = await self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != issuer:
            raise self._refusal("it says that it is another issuer")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not is_safe_address(found.get(name)):
                raise self._refusal(f"its {name} is no https:// address")
        for name in ("token_endpoint", "jwks_uri", "userinfo_endpoint"):
            self._check_asked(name, found.get(name))
        self._metadata = found
        self._metadata_until = time.monotonic() + METADATA_SECONDS
        return found

    def _check_asked(self, name: str, address: object) -> None:
        """Refuse an address that a provider told and that we may not ask."""
        try:
            if address is not None:
                self._guard.check(str(address))
        except TargetRefused as error:
            raise self._refusal(f"its {name}: {error.message}") from None

    async def _read_keys(self, metadata: Mapping[str, Any], *, is_fresh: bool) -> KeySet:
        keys, age = self._keys, time.monotonic() - self._keys_read_at
        if keys is None or age >= (KEYS_SECONDS if is_fresh else METADATA_SECONDS):
            found = await self._get(metadata["jwks_uri"])
            self._keys = keys = _key_set(found.get("keys"))
            self._keys_read_at = time.monotonic()
        return keys

    async def _get(self, address: str) -> dict[str, Any]:
        """Return what an address answers: one answer to all who ask for it meanwhile.

        Who asks while a provider hangs waits no longer than the first one does, not for a turn.
        """
        asking = self._asking.get(address)
        if asking is None:
            asking = self._asking[address] = asyncio.create_task(self._ask(address))
            asking.add_done_callback(lambda done: self._forget(address, done))
        # Who goes away meanwhile takes the answer from nobody.
        return await asyncio.shield(asking)

    def _forget(self, address: str, done: "asyncio.Task[dict[str, Any]]") -> None:
        del self._asking[address]
        if not done.cancelled():
            # It is told to those who are still there; if nobody is, it is no news.
            done.exception()

    async def _ask(self, address: str) -> dict[str, Any]:
        try:
            async with httpx2.AsyncClient(transport=self._transport()) as client:
                answer = await client.get(address)
                answer.raise_for_status()
                found = answer.json()
        except TargetRefused as error:
            raise self._refusal(error.message) from None
        except (httpx2.HTTPError, ValueError) as error:
            raise self._absence(error) from None
        if not isinstance(found, dict):
            raise self._refusal("it answers no JSON object")
        return cast("dict[str, Any]", found)

    def _client(
        self, metadata: Mapping[str, Any], *, token: Mapping[str, Any] | None = None
    ) -> Any:
        provider = self.provider
        offered = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        method = "client_secret_basic" if "client_secret_basic" in offered else "client_secret_post"
        return AsyncOAuth2Client(
            client_id=provider.client_id,
            client_secret=provider.client_secret or None,
            token_endpoint_auth_method=method if provider.client_secret else "none",
            scope=" ".join(("openid", *provider.scopes)),
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            token=dict(token) if token is not None else None,
            transport=self._transport(),
        )

    def _transport(self) -> GuardedTransport:
        return GuardedTransport(
            self._guard, answer_seconds=ANSWER_SECONDS, max_answer_bytes=MAX_ANSWER_BYTES
        )

    def _refusal(self, reason: str) -> SignInRefused:
        logger.warning("Provider %s did not sign anybody in: %s", self.provider.slug, reason)
        return SignInRefused()

    def _absence(self, error: Exception) -> HeadgateError:
        logger.warning("Provider %s is away: %s", self.provider.slug, type(error).__name__)
        return ProviderAway()


class _Fault(Exception):
    """What is wrong with an answer, for the log."""


def _key_set(published: object) -> KeySet:
    """Return the keys that signatures may be checked with; what is not understood is passed over.

    As RFC 7517 has it, section 5: a provider may publish keys for others beside ours.
    """
    keys: list[Key] = []
    for one in cast("list[Any]", published) if isinstance(published, list) else ():
        with suppress(JoseError, ValueError, TypeError, KeyError, AttributeError):
            if one.get("kty") in KEY_TYPES and one.get("use") in {None, "sig"}:
                keys += KeySet.import_key_set({"keys": [one]}).keys
    return KeySet(keys)


def _address(email: str) -> str | None:
    try:
        return check_email(email)
    except HeadgateError:
        return None


def _name(*offered: object) -> str:
    for one in offered:
        text = "".join(c for c in str(one or "") if c.isprintable()).strip()[:MAX_NAME_LENGTH]
        if text.strip():
            return text.strip()
    return "Somebody"
