"""What an installation's settings come to: addresses of the database, its secret, its keys."""

import logging

from headgate_server.crypto.errors import KeyMismatch, KeyProviderAway
from headgate_server.crypto.keks import open_providers
from headgate_server.database import urls as addresses
from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.domain.errors import ConfigurationError
from headgate_server.services import kek_checks
from headgate_server.services.workspace_keys import Keyring
from headgate_server.settings import Settings, check_url

logger = logging.getLogger("headgate")

MINIMUM_SECRET_LENGTH = 16


def resolve_urls(settings: Settings) -> DatabaseUrls:
    """Return the addresses of the three database roles from whichever are set.

    One owner's address is enough: the others follow from it and the secret key.

    Raises:
        ConfigurationError: none is set, or one is malformed.
    """
    owner = settings.owner_database_url or settings.database_url
    if not owner:
        raise ConfigurationError(
            "Set HEADGATE_DATABASE_URL to a Postgres address, such as "
            "postgresql://user:password@host/database, or use `headgate-server dev`; `keys`, "
            "`audit` and `organizations` reach what that runs with --data-dir DIR."
        )
    check_database_urls(settings)
    if settings.database_url and settings.system_database_url:
        return DatabaseUrls(
            owner=owner, app=settings.database_url, system=settings.system_database_url
        )
    return addresses.derive(
        owner, secret_key=check_secret(settings), role_prefix=settings.role_prefix
    )


def check_database_urls(settings: Settings) -> None:
    """Refuse an address of the database that is malformed.

    Raises:
        ConfigurationError: naming the setting.
    """
    for name in ("database_url", "owner_database_url", "system_database_url"):
        if getattr(settings, name):
            check_url(
                getattr(settings, name),
                name=name.upper(),
                schemes=("postgresql", "postgres", "postgresql+asyncpg"),
            )


def check_secret(settings: Settings) -> str:
    """Return the installation's secret key.

    Raises:
        ConfigurationError: it is missing or too short.
    """
    if len(settings.secret_key) < MINIMUM_SECRET_LENGTH:
        raise ConfigurationError(
            f"Set HEADGATE_SECRET_KEY to at least {MINIMUM_SECRET_LENGTH} random characters, the "
            "same for every process of the installation: `openssl rand -hex 32` makes one."
        )
    previous = settings.secret_key_previous
    if previous and (len(previous) < MINIMUM_SECRET_LENGTH or previous == settings.secret_key):
        raise ConfigurationError(
            "HEADGATE_SECRET_KEY_PREVIOUS is the key that HEADGATE_SECRET_KEY was before, whole, "
            "and another one; leave it out once nothing is under it any more."
        )
    return settings.secret_key


def open_keyring(settings: Settings) -> Keyring | None:
    """Return what unwraps the keys of workspaces; None where no provider of keys is set.

    Raises:
        ConfigurationError: HEADGATE_KEK names something that cannot be used.
    """
    providers = open_providers(settings.kek, vault_token=settings.vault_token)
    return None if providers is None else Keyring(providers)


async def check_kek(database: Database, keyring: Keyring | None) -> None:
    """Refuse to start with another key than the one that secrets are sealed under.

    A provider that is away holds nobody up: what needs no secret goes on without it.

    Raises:
        ConfigurationError: the version that wraps is another key than it was.
    """
    if keyring is None:
        return
    try:
        await kek_checks.confirm_newest(database, keyring.providers)
    except KeyMismatch as other:
        raise ConfigurationError(other.detail) from None
    except KeyProviderAway as away:
        logger.warning("keys: secrets cannot be had until their provider is back: %s", away.detail)
