"""What a reference to a secret says: which store it lies in, and where in there.

Nothing here says where a store itself is, nor who asks it: that is told by whoever operates the
agent, for a reference that could would send the agent's credentials anywhere.
"""

import msgspec


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a secret is in its store.

    Args:
        provider: the kind of store.
        field: the secret is a JSON object, and the value is what this key of it has.
    """

    provider: str
    field: str | None = None


class EnvPlace(Place, frozen=True, kw_only=True):
    """A variable of the environment of the agent.

    Args:
        name: the variable's; the operator must have allowed it.
    """

    name: str


class FilePlace(Place, frozen=True, kw_only=True):
    """A file of the agent's machine.

    Args:
        path: absolute, or below one of the folders that the operator allowed.
    """

    path: str


class VaultPlace(Place, frozen=True, kw_only=True):
    """A secret of a KV engine, version 2, of HashiCorp Vault or OpenBao.

    Args:
        path: the secret's path in the engine.
        mount: where the engine is mounted.
        version: None is the newest.
    """

    path: str
    mount: str = "secret"
    version: int | None = None


class AwsPlace(Place, frozen=True, kw_only=True):
    """A secret of AWS Secrets Manager.

    Args:
        secret_id: its name or ARN.
        region: that of the agent's environment unless said.
        version_id: one version; with neither this nor a stage, the current one.
        version_stage: the version that bears this label.
    """

    secret_id: str
    region: str | None = None
    version_id: str | None = None
    version_stage: str | None = None


class GcpPlace(Place, frozen=True, kw_only=True):
    """A secret of Google Cloud's Secret Manager.

    Args:
        secret: its name.
        project: that of the agent's credentials unless said.
        version: a number or an alias.
        location: of a regional secret.
    """

    secret: str
    project: str | None = None
    version: str = "latest"
    location: str | None = None


class AzurePlace(Place, frozen=True, kw_only=True):
    """A secret of an Azure Key Vault.

    Args:
        vault: the vault's name.
        secret: the secret's name in it.
        version: None is the newest.
    """

    vault: str
    secret: str
    version: str | None = None
