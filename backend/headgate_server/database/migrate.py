"""Brings a database to the current schema, with its roles and walls."""

import asyncio
import hashlib
import logging
import random
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from headgate_server.database import urls
from headgate_server.database.addresses import session_settings
from headgate_server.database.engine import (
    IDLE_IN_TRANSACTION_TIMEOUT_MS,
    STATEMENT_TIMEOUT_MS,
    check_server,
    make_engine,
)
from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain.errors import ConfigurationError

MIGRATIONS = Path(__file__).parent / "migrations"
MIGRATION_TIMEOUT_MS = 600_000
PATIENCE_SECONDS = 120.0
"""How long one migration is tried again while others keep the tables it changes."""
PAUSE_SECONDS = (0.1, 0.5)
"""Between two tries: whoever waited behind the last one comes first."""
_LOCK = 0x48656164
_INSUFFICIENT_PRIVILEGE = "42501"
_LOCKED_STATES = frozenset({"40P01", "55P03"})

_ROLE_USE = text("""
select shobj_description(role.oid, 'pg_authid') as mark, (
  select min(other.datname) from pg_shdepend as needs
  join pg_database as other on other.oid = needs.dbid
  where needs.refclassid = 'pg_authid'::regclass and needs.refobjid = role.oid
    and other.datname <> current_database()
) as elsewhere
from pg_roles as role where role.rolname = :name
""")

logger = logging.getLogger("headgate.database")


async def upgrade(
    owner_url: str,
    *,
    secret_key: str,
    role_prefix: str = "headgate",
    revision: str = "head",
    patience_seconds: float = PATIENCE_SECONDS,
) -> DatabaseUrls:
    """Migrate a database and return the addresses of its three roles; safe to repeat.

    Replicas that start together wait for each other on an advisory lock. Where tables are in use,
    each migration is a transaction of its own, which gives up soon when it has to wait for a lock,
    since everybody else waits behind it, and is tried again; what was migrated before is kept.

    Args:
        owner_url: an address whose role may create tables in the database; it needs CREATEROLE
            unless the two other roles exist already, made by an administrator.
        secret_key: the installation's key, from which the roles' passwords are derived.
        role_prefix: the roles are named ``<prefix>_app`` and ``<prefix>_system``.
        revision: where to stop; the newest by default.
        patience_seconds: how long each migration is tried again while tables are kept.

    Raises:
        ConfigurationError: the server cannot be reached, is too old, or refuses the owner, or
            the tables were kept for too long; the message holds the statements for an
            administrator where roles are missing.
    """
    derived = urls.derive(owner_url, secret_key=secret_key, role_prefix=role_prefix)
    engine = make_engine(
        owner_url,
        application_name="headgate-migrate",
        pool_size=1,
        statement_timeout_ms=MIGRATION_TIMEOUT_MS,
    )
    try:
        await _check_reachable(engine, owner_url)
        async with _locked(engine) as connection:
            await connection.run_sync(_ensure_roles, secret_key=secret_key, role_prefix=role_prefix)
        config = Config(attributes={"role_prefix": role_prefix})
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        while not await _try_step(
            engine, config, revision=revision, patience_seconds=patience_seconds
        ):
            pass
    finally:
        await engine.dispose()
    return derived


async def _check_reachable(engine: AsyncEngine, owner_url: str) -> None:
    try:
        await check_server(engine, is_owner=True)
    except (TimeoutError, OSError, DBAPIError) as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise ConfigurationError(
            f"Cannot connect to {urls.without_password(owner_url)}: {cause}. Check the address, "
            "the role and the password, and that the server is running."
        ) from error


@asynccontextmanager
async def _locked(engine: AsyncEngine) -> AsyncGenerator[AsyncConnection]:
    """Open a transaction that no other migration is beside."""
    async with engine.begin() as connection:
        await connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        yield connection


async def _try_step(
    engine: AsyncEngine, config: Config, *, revision: str, patience_seconds: float
) -> bool:
    """Take the next step as soon as its locks can be had; whether it was the last.

    Raises:
        ConfigurationError: others kept the tables for too long.
    """
    until = time.monotonic() + patience_seconds
    while True:
        try:
            async with _locked(engine) as connection:
                return await connection.run_sync(_step, config, revision=revision)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in _LOCKED_STATES:
                raise
            if time.monotonic() > until:
                raise ConfigurationError(
                    "The migration could not lock the tables it changes: other sessions keep them "
                    "in long transactions. Look for the oldest in pg_stat_activity, end them, and "
                    "migrate again: what was migrated so far is kept."
                ) from error
        logger.info("Tables are in use: the migration is tried again")
        await asyncio.sleep(random.uniform(*PAUSE_SECONDS))  # noqa: S311 - no secret


def _step(connection: Connection, config: Config, *, revision: str) -> bool:
    """Apply the next migration, or all of them to a new database; whether none is left."""
    config.attributes["connection"] = connection
    at = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory.from_config(config)
    line = [one.revision for one in scripts.iterate_revisions(revision, "base")][::-1]
    left = line[line.index(at) + 1 :] if at in line else [revision]
    if left:
        command.upgrade(config, left[0])
    return len(left) <= 1


def _ensure_roles(connection: Connection, *, secret_key: str, role_prefix: str) -> None:
    for role in (urls.APP, urls.SYSTEM):
        _ensure_role(
            connection,
            name=urls.role_name(role_prefix, role),
            password=urls.role_password(secret_key, role),
        )


def _check_ownership(connection: Connection, *, name: str, mark: str) -> None:
    """Leave a role alone that another installation on this server signs in with.

    Raises:
        ConfigurationError: it follows another secret key, and other databases need it.
    """
    found = connection.execute(_ROLE_USE, {"name": name}).one()
    if found.mark is None or found.mark == mark or found.elsewhere is None:
        return
    raise ConfigurationError(
        f"The role {name} is that of another installation on this server, in the database "
        f"{found.elsewhere}: migrating here would shut it out. Set HEADGATE_ROLE_PREFIX to a name "
        "of this installation's own, or HEADGATE_SECRET_KEY to the key of the other."
    )


def _ensure_role(connection: Connection, *, name: str, password: str) -> None:
    """Make a role, or set its password and defaults; one that others made is left as it is.

    Roles belong to all databases of a server. A comment tells whose secret key one follows.
    """
    exists = connection.execute(
        text("select true from pg_roles where rolname = :name"), {"name": name}
    ).scalar_one_or_none()
    mark = f"headgate {hashlib.sha256(password.encode()).hexdigest()[:16]}"
    if exists:
        _check_ownership(connection, name=name, mark=mark)
    quoted = connection.dialect.identifier_preparer.quote(name)
    verb = "alter" if exists else "create"
    settings = session_settings(
        statement_timeout_ms=STATEMENT_TIMEOUT_MS, idle_timeout_ms=IDLE_IN_TRANSACTION_TIMEOUT_MS
    )
    try:
        with connection.begin_nested():
            # nosemgrep: statements-are-whole - DDL takes no parameters
            connection.exec_driver_sql(
                f"{verb} role {quoted} with login password '{urls.verifier_of(password)}'"
            )
            # nosemgrep: statements-are-whole - DDL takes no parameters
            connection.exec_driver_sql(f"comment on role {quoted} is '{mark}'")
            for setting, value in settings.items():
                # nosemgrep: statements-are-whole - DDL takes no parameters
                connection.exec_driver_sql(f"alter role {quoted} set {setting} = '{value}'")
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _INSUFFICIENT_PRIVILEGE:
            raise
        if not exists:
            raise ConfigurationError(
                f"The owner of the database may not create roles, and there is no role {name}. "
                f"Have an administrator run: create role {quoted} with login password '...'; "
                "do so for the app and the system role, give all three addresses, and migrate "
                "again."
            ) from None
        logger.info("The role %s is left as an administrator made it", name)
