"""Secrets of Azure Key Vaults, read with the identity that the agent has in Azure.

Credentials are found as azure-identity's DefaultAzureCredential finds them. The cloud is the one
that ``AZURE_AUTHORITY_HOST`` names.
"""

import asyncio
import os
import re
from collections.abc import Mapping
from typing import Any

from headgate.errors import (
    InvalidSecretReferenceError,
    SecretNotFoundError,
    SecretReferenceError,
    SecretRefusedError,
    SecretStoreUnavailableError,
)
from headgate.libraries import library
from headgate.secret_references.kept import Kept
from headgate.secret_references.places import AzurePlace
from headgate.secret_references.reading import as_place, check_allowed
from headgate.settings import Settings

EXTRA = "azure"
CONNECT_SECONDS, READ_SECONDS, RETRIES = 3, 5, 2
PUBLIC_CLOUD = "vault.azure.net"
OTHER_CLOUDS = {
    "login.chinacloudapi.cn": "vault.azure.cn",
    "login.microsoftonline.us": "vault.usgovcloudapi.net",
}
"""Where the vaults of a cloud are, by where one signs in there."""
_NAMES = {
    "vault": re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{1,22}[A-Za-z0-9]"),
    "secret": re.compile(r"[A-Za-z0-9-]{1,127}"),
    "version": re.compile(r"[A-Za-z0-9]{1,64}"),
}
_FORBIDDEN = 403


async def find(place: Mapping[str, Any], settings: Settings) -> str:
    """Return a secret of a Key Vault.

    Raises:
        InvalidSecretReferenceError: a name that none can have.
        SecretNotFoundError: the vault has no such secret or version.
        SecretRefusedError: Azure does not let the agent's identity read it, or its operator, or
            it is disabled.
        SecretStoreUnavailableError: Azure does not answer, or the agent has no identity there.
        MissingExtraError: Azure's libraries are not installed.
    """
    wanted = as_place(place, kind=AzurePlace)
    for name, pattern in _NAMES.items():
        given = getattr(wanted, name)
        if given is not None and not pattern.fullmatch(given):
            message = f"{given!r} is no {name} of Azure Key Vault"
            raise InvalidSecretReferenceError(message)
    check_allowed(wanted.provider, f"{wanted.vault}/{wanted.secret}", settings)
    return await asyncio.to_thread(_read, wanted)


_identities: Kept[Any] = Kept("AZURE_", "IDENTITY_", "MSI_", "IMDS_")
_clients: Kept[Any] = Kept("AZURE_", "IDENTITY_", "MSI_", "IMDS_")


def _client(vault: str) -> Any:
    """Return a client of a key vault; those of all vaults share the agent's identity."""
    identity = library("azure.identity", extra=EXTRA)
    return library("azure.keyvault.secrets", extra=EXTRA).SecretClient(
        f"https://{vault}.{_cloud()}",
        _identities.get(make=identity.DefaultAzureCredential),
        connection_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retry_total=RETRIES,
    )


def _read(wanted: AzurePlace) -> str:
    library("azure.identity", extra=EXTRA)
    errors = library("azure.core.exceptions", extra=EXTRA)
    client = _clients.get(wanted.vault, make=lambda: _client(wanted.vault))
    try:
        value = client.get_secret(wanted.secret, wanted.version).value
    except errors.ResourceNotFoundError:
        raise _absent(wanted) from None
    except errors.ClientAuthenticationError:
        message = (
            "Azure does not know this agent: give its machine a managed identity, or set "
            "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"
        )
        raise SecretStoreUnavailableError(message) from None
    except errors.AzureError as error:
        raise _refusal(error, wanted) from None
    if value is None:
        raise _absent(wanted)
    return str(value)


def _cloud() -> str:
    authority = os.environ.get("AZURE_AUTHORITY_HOST", "")
    return OTHER_CLOUDS.get(authority.removeprefix("https://").rstrip("/").lower(), PUBLIC_CLOUD)


def _absent(wanted: AzurePlace) -> SecretNotFoundError:
    version = f", version {wanted.version}" if wanted.version is not None else ""
    message = f"the key vault {wanted.vault} has no secret {wanted.secret}{version}"
    return SecretNotFoundError(message)


def _refusal(error: Any, wanted: AzurePlace) -> SecretReferenceError:
    """Return what an error of Azure means; its own text can quote what the server answered."""
    status = getattr(error, "status_code", None)
    if status == _FORBIDDEN:
        return SecretRefusedError(
            f"Azure does not let this agent read the secret {wanted.secret} of the key vault "
            f"{wanted.vault}: grant its identity the role Key Vault Secrets User"
        )
    how = f"answers with status {status}" if status else f"cannot be asked: {type(error).__name__}"
    return SecretStoreUnavailableError(f"the key vault {wanted.vault} {how}")
