"""Secrets of Google Cloud's Secret Manager, read with the identity that the agent has there.

Credentials, project and proxies are found as Google's own libraries find them. Secrets are read
over REST: the library for it would bring gRPC into every agent.
"""

import asyncio
import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from headgate.errors import (
    InvalidSecretReferenceError,
    SecretNotFoundError,
    SecretRefusedError,
    SecretStoreUnavailableError,
)
from headgate.libraries import library
from headgate.secret_references.kept import Kept
from headgate.secret_references.places import GcpPlace
from headgate.secret_references.reading import as_place, check_allowed
from headgate.settings import Settings

EXTRA = "gcp"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
CALL_SECONDS = 10.0
_NAMES = {
    "secret": re.compile(r"[A-Za-z0-9_-]{1,255}"),
    "project": re.compile(r"[a-z0-9][a-z0-9:.-]{0,62}"),
    "version": re.compile(r"[A-Za-z0-9_-]{1,63}"),
    "location": re.compile(r"[a-z0-9-]{1,40}"),
}
_OK, _PRECONDITION, _UNAUTHENTICATED, _FORBIDDEN, _NOT_FOUND = 200, 400, 401, 403, 404


class _Payload(msgspec.Struct):
    data: str = ""


class _Version(msgspec.Struct):
    payload: _Payload


async def find(place: Mapping[str, Any], settings: Settings) -> bytes:
    """Return a secret of Secret Manager.

    Raises:
        InvalidSecretReferenceError: a name that none can have.
        SecretNotFoundError: there is no such secret or version, or it is disabled.
        SecretRefusedError: Google does not let the agent's identity read it, or its operator.
        SecretStoreUnavailableError: Google does not answer, or the agent has no credentials.
        MissingExtraError: google-auth is not installed.
    """
    wanted = as_place(place, kind=GcpPlace)
    for name, pattern in _NAMES.items():
        given = getattr(wanted, name)
        if given is not None and not pattern.fullmatch(given):
            message = f"{given!r} is no {name} of Google Cloud's Secret Manager"
            raise InvalidSecretReferenceError(message)
    named = wanted.secret if wanted.project is None else f"{wanted.project}/{wanted.secret}"
    check_allowed(wanted.provider, named, settings)
    return await asyncio.to_thread(_read, wanted)


_credentials: Kept[tuple[Any, str | None]] = Kept("GOOGLE_", "GCE_", "CLOUDSDK_")


def _signed_in() -> tuple[Any, str | None]:
    """Return credentials with a token, which renew it themselves, and their project."""
    credentials, project = library("google.auth", extra=EXTRA).default(scopes=[SCOPE])
    credentials.refresh(library("google.auth.transport.requests", extra=EXTRA).Request())
    return credentials, project


def _read(wanted: GcpPlace) -> bytes:
    library("google.auth", extra=EXTRA)
    transport = library("google.auth.transport.requests", extra=EXTRA)
    errors = library("google.auth.exceptions", extra=EXTRA)
    requests = library("requests", extra=EXTRA)
    try:
        credentials, own_project = _credentials.get(make=_signed_in)
        project = wanted.project or own_project
        if not project:
            message = (
                f"the secret {wanted.secret} names no project, nor do this agent's credentials"
            )
            raise SecretStoreUnavailableError(message)
        with transport.AuthorizedSession(credentials) as session:
            answer = session.get(
                _address(wanted, project=project, universe=credentials.universe_domain),
                timeout=CALL_SECONDS,
                allow_redirects=False,
            )
    except (errors.GoogleAuthError, requests.RequestException) as error:
        # The texts of these can quote what a server answered.
        message = f"Google Cloud's Secret Manager cannot be asked: {type(error).__name__}"
        raise SecretStoreUnavailableError(message) from None
    return _secret(answer.status_code, answer.content, named=f"{project}/{wanted.secret}")


def _address(wanted: GcpPlace, *, project: str, universe: str) -> str:
    host = f"secretmanager.{universe}"
    within = f"projects/{project}"
    if wanted.location is not None:
        host = f"secretmanager.{wanted.location}.rep.{universe}"
        within = f"{within}/locations/{wanted.location}"
    return f"https://{host}/v1/{within}/secrets/{wanted.secret}/versions/{wanted.version}:access"


def _secret(status: int, content: bytes, *, named: str) -> bytes:
    if status == _NOT_FOUND:
        message = f"Google Cloud's Secret Manager has no secret {named} in that version"
        raise SecretNotFoundError(message)
    if status == _PRECONDITION:
        message = f"that version of the secret {named} is disabled or destroyed"
        raise SecretNotFoundError(message)
    if status in {_UNAUTHENTICATED, _FORBIDDEN}:
        message = (
            f"Google does not let this agent read the secret {named}: grant its identity "
            "roles/secretmanager.secretAccessor"
        )
        raise SecretRefusedError(message)
    try:
        if status == _OK:
            data = msgspec.json.decode(content, type=_Version).payload.data
            return base64.b64decode(data, validate=True)
    except (msgspec.DecodeError, binascii.Error):
        pass
    message = f"Google Cloud's Secret Manager answers with status {status}"
    raise SecretStoreUnavailableError(message)
