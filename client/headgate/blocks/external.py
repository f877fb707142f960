"""Secrets that lie in the customer's own store: named in a block, found by the run itself.

``SecretReference.vault("team/db", field="password")`` stands in the place of a secret of a block
that is saved. Whoever loads the block in a run finds the secret there.
"""

from typing import Any, NoReturn

import msgspec
from pydantic import SecretStr

from headgate.errors import BlockError
from headgate.secret_references.places import (
    AwsPlace,
    AzurePlace,
    EnvPlace,
    FilePlace,
    GcpPlace,
    Place,
    VaultPlace,
)
from headgate.secret_references.resolving import KEY, add_provider

__all__ = ["KEY", "SecretReference", "add_provider"]


class SecretReference(SecretStr):
    """Where a secret lies, in the place of one: for fields of ``SecretStr`` and ``Secret``."""

    def __init__(self, provider: str, **place: Any) -> None:
        """Name a place.

        Args:
            provider: the kind of store.
            place: where in it, as the store's module says.
        """
        super().__init__("")
        self.place = {"provider": provider, **place}

    @classmethod
    def env(cls, name: str, *, field: str | None = None) -> "SecretReference":
        """Name a variable of the agent's environment, which its operator must have allowed."""
        return cls._of(EnvPlace(provider="env", name=name, field=field))

    @classmethod
    def file(cls, path: str, *, field: str | None = None) -> "SecretReference":
        """Name a file of the agent's machine, in a folder which its operator must have allowed."""
        return cls._of(FilePlace(provider="file", path=path, field=field))

    @classmethod
    def vault(
        cls, path: str, *, field: str, mount: str = "secret", version: int | None = None
    ) -> "SecretReference":
        """Name a field of a secret in a KV engine, version 2, of Vault or OpenBao."""
        return cls._of(
            VaultPlace(provider="vault", path=path, field=field, mount=mount, version=version)
        )

    @classmethod
    def aws(
        cls,
        secret_id: str,
        *,
        field: str | None = None,
        region: str | None = None,
        version_id: str | None = None,
        version_stage: str | None = None,
    ) -> "SecretReference":
        """Name a secret of AWS Secrets Manager by its name or ARN."""
        return cls._of(
            AwsPlace(
                provider="aws-secrets-manager",
                secret_id=secret_id,
                field=field,
                region=region,
                version_id=version_id,
                version_stage=version_stage,
            )
        )

    @classmethod
    def gcp(
        cls,
        secret: str,
        *,
        field: str | None = None,
        project: str | None = None,
        version: str = "latest",
        location: str | None = None,
    ) -> "SecretReference":
        """Name a secret of Google Cloud's Secret Manager."""
        return cls._of(
            GcpPlace(
                provider="gcp-secret-manager",
                secret=secret,
                field=field,
                project=project,
                version=version,
                location=location,
            )
        )

    @classmethod
    def azure(
        cls, vault: str, secret: str, *, field: str | None = None, version: str | None = None
    ) -> "SecretReference":
        """Name a secret of an Azure Key Vault by the vault's and its own name."""
        return cls._of(
            AzurePlace(
                provider="azure-key-vault",
                vault=vault,
                secret=secret,
                field=field,
                version=version,
            )
        )

    @classmethod
    def _of(cls, place: Place) -> "SecretReference":
        told = {name: value for name, value in msgspec.structs.asdict(place).items() if value}
        return cls(**told)

    def get_secret_value(self) -> NoReturn:
        """Refuse: where the secret is needed, a run loads the block.

        Raises:
            BlockError: always.
        """
        message = f"{self!r} is not the secret itself: save the block, and load it in a run"
        raise BlockError(message)

    def __len__(self) -> int:
        return 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretReference) and self.place == other.place

    def __hash__(self) -> int:
        return hash(msgspec.json.encode(self.place, order="sorted"))

    def _display(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.place.items())
