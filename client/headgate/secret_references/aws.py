"""Secrets of AWS Secrets Manager, read with the identity that the agent's environment gives.

Credentials, region, proxies and endpoints are found as boto3 finds them everywhere.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from headgate.errors import (
    SecretNotFoundError,
    SecretReferenceError,
    SecretRefusedError,
    SecretStoreUnavailableError,
)
from headgate.libraries import library
from headgate.secret_references.kept import Kept
from headgate.secret_references.places import AwsPlace
from headgate.secret_references.reading import as_place, check_allowed, unlogged
from headgate.settings import Settings

EXTRA = "aws"
CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 3, 5, 3
_ABSENT = frozenset({"ResourceNotFoundException"})
_REFUSED = frozenset(
    {
        "AccessDeniedException",
        "UnrecognizedClientException",
        "ExpiredTokenException",
        "InvalidSignatureException",
        "DecryptionFailure",
    }
)


async def find(place: Mapping[str, Any], settings: Settings) -> str | bytes:
    """Return a secret of Secrets Manager.

    Raises:
        SecretNotFoundError: there is none of this name or version.
        SecretRefusedError: AWS does not let the agent's identity read it, or its operator.
        SecretStoreUnavailableError: AWS does not answer, or the agent has no credentials.
        MissingExtraError: boto3 is not installed.
    """
    wanted = as_place(place, kind=AwsPlace)
    check_allowed(wanted.provider, wanted.secret_id, settings)
    return await asyncio.to_thread(_read, wanted)


_clients: Kept[Any] = Kept("AWS_")


def _client(region: str | None) -> Any:
    """Return a client that has not asked yet; it signs in as it does, and stays signed in."""
    config = library("botocore.config", extra=EXTRA).Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
    )
    # A session of its own: the default one is not to be shared among threads; a client is.
    session = library("boto3", extra=EXTRA).session.Session()
    return session.client("secretsmanager", region_name=region, config=config)


def _read(wanted: AwsPlace) -> str | bytes:
    library("boto3", extra=EXTRA)
    errors = library("botocore.exceptions", extra=EXTRA)
    arguments = {
        "SecretId": wanted.secret_id,
        "VersionId": wanted.version_id,
        "VersionStage": wanted.version_stage,
    }
    try:
        client = _clients.get(wanted.region, make=lambda: _client(wanted.region))
        with unlogged("botocore.parsers"):
            found = client.get_secret_value(**{k: v for k, v in arguments.items() if v is not None})
    except errors.ClientError as error:
        raise _refusal(str(error.response.get("Error", {}).get("Code")), wanted) from None
    except errors.BotoCoreError as error:
        # Its text names endpoints, settings and arguments, never an answer's content.
        message = f"AWS Secrets Manager cannot be asked: {error}"
        raise SecretStoreUnavailableError(message) from None
    return found["SecretString"] if "SecretString" in found else found["SecretBinary"]


def _refusal(code: str, wanted: AwsPlace) -> SecretReferenceError:
    name = wanted.secret_id
    if code in _ABSENT:
        return SecretNotFoundError(f"AWS Secrets Manager has no secret {name} in that version")
    if code in _REFUSED:
        return SecretRefusedError(
            f"AWS does not let this agent read the secret {name} ({code}): grant its identity "
            "secretsmanager:GetSecretValue"
        )
    return SecretStoreUnavailableError(f"AWS Secrets Manager answers {code} for the secret {name}")
