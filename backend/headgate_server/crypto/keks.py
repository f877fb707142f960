"""Opens the providers that HEADGATE_KEK names."""

from pathlib import Path

from headgate_server.crypto import aws_kms, keyfile, vault_transit
from headgate_server.crypto.providers import KeyProvider, Providers
from headgate_server.domain.errors import ConfigurationError


def open_providers(named: str, *, vault_token: str = "") -> Providers | None:
    """Return the providers of a setting such as ``keyfile:/etc/headgate/kek``; None for an empty.

    Args:
        named: ``keyfile:FOLDER``, ``aws-kms:ARN`` or ``vault-transit:URL#KEY``; several by comma,
            of which the first wraps.
        vault_token: the token for Vault.

    Raises:
        ConfigurationError: one of them cannot be used as it is named.
    """
    texts = [text.strip() for text in named.split(",") if text.strip()]
    if not texts:
        return None
    return Providers([_open(text, vault_token=vault_token) for text in texts])


def _open(text: str, *, vault_token: str) -> KeyProvider:
    kind, _, address = text.partition(":")
    if kind == keyfile.NAME and Path(address).is_absolute():
        return keyfile.KeyFiles(Path(address))
    if kind == aws_kms.NAME:
        return aws_kms.open_aws_kms(address)
    if kind == vault_transit.NAME:
        return vault_transit.open_vault_transit(address, token=vault_token)
    raise ConfigurationError(
        "HEADGATE_KEK is keyfile:/FOLDER, aws-kms:ARN or vault-transit:URL#KEY; correct it and "
        "start again."
    )
