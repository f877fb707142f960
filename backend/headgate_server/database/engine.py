"""Connection pools: one engine per database role."""

import time
from collections.abc import Callable
from typing import Any

import orjson
from sqlalchemy import event, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from headgate_server.database.addresses import read_address, session_settings
from headgate_server.database.pulse import (
    ANSWER_SECONDS,
    POOLED_ANSWER_SECONDS,
    PULSE,
    Pulse,
)
from headgate_server.database.urls import for_asyncpg, without_password
from headgate_server.domain.errors import ConfigurationError, HeadgateError

DatabaseFailure = DBAPIError
"""What a statement raises that the server refused, or that never reached it."""

MINIMUM_MINORS = {15: 14, 16: 10, 17: 6}
"""Older ones leak rows through row-level security by their statistics (CVE-2025-8713)."""
STATEMENT_TIMEOUT_MS = 15_000
IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000
CONNECT_TIMEOUT_SECONDS = 5
_ROLE = text("""
select own.rolname, own.rolsuper or own.rolbypassrls as sees_all,
  exists (
    select from pg_roles other where (other.rolsuper or other.rolbypassrls)
      and other.oid <> own.oid and pg_has_role(own.oid, other.oid, 'MEMBER')
  ) as becomes,
  exists (
    select from pg_class relation where relation.relnamespace = 'public'::regnamespace
      and relation.relkind in ('r', 'p') and pg_has_role(own.oid, relation.relowner, 'MEMBER')
  ) as owns,
  has_schema_privilege('public', 'CREATE') as creates
from pg_roles own where own.rolname = current_user
""")
"""What a role may do that would take the walls between tenants away."""


def _dump(value: object) -> str:
    return orjson.dumps(value).decode()


def make_engine(
    url: str,
    *,
    application_name: str,
    pool_size: int = 20,
    statement_timeout_ms: int = STATEMENT_TIMEOUT_MS,
) -> AsyncEngine:
    """Return a pool of asyncpg connections; nothing is connected yet.

    Behind a pooler in transaction mode no statement is prepared under a name, and what sessions
    are set to are the roles' own defaults, which ``migrate`` gives them.

    Raises:
        ConfigurationError: the address asks for something that is not known.
    """
    address = read_address(url)
    settings = session_settings(
        statement_timeout_ms=statement_timeout_ms, idle_timeout_ms=IDLE_IN_TRANSACTION_TIMEOUT_MS
    )
    pulse = Pulse(answer_seconds=POOLED_ANSWER_SECONDS if address.is_pooled else ANSWER_SECONDS)
    connect_args: dict[str, Any] = {
        "async_creator_fn": pulse.connect,
        "timeout": CONNECT_TIMEOUT_SECONDS,
        "command_timeout": statement_timeout_ms / 1000 + 5,
        "server_settings": {"application_name": application_name, **settings},
    }
    if address.ssl is not None:
        connect_args["ssl"] = address.ssl
    if address.is_pooled:
        connect_args |= {
            "server_settings": {"application_name": application_name},
            "statement_cache_size": 0,
            "prepared_statement_cache_size": 0,
            "prepared_statement_name_func": lambda: "",
        }
    engine = create_async_engine(
        for_asyncpg(address.url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_recycle=1800,
        pool_use_lifo=True,
        json_serializer=_dump,
        json_deserializer=orjson.loads,
        query_cache_size=2000,
        connect_args=connect_args,
        execution_options={PULSE: pulse},
    )
    pulse.attach(engine, has_backends=not address.is_pooled)
    return engine


def time_statements(engine: AsyncEngine, *, tell: Callable[[float], None]) -> None:
    """Tell how many seconds each statement took that an engine runs; one that fails is not told."""

    def before(connection: Connection, *_: object) -> None:
        connection.info["started_at"] = time.perf_counter()

    def after(connection: Connection, *_: object) -> None:
        tell(time.perf_counter() - connection.info["started_at"])

    event.listen(engine.sync_engine, "before_cursor_execute", before)
    event.listen(engine.sync_engine, "after_cursor_execute", after)


async def check_reachable(engine: AsyncEngine) -> None:
    """Refuse a database that cannot be reached or will not do.

    Raises:
        ConfigurationError: the message says what to change.
    """
    try:
        await check_server(engine)
    except HeadgateError:
        raise
    except Exception as error:
        shown = without_password(engine.url.render_as_string(hide_password=True))
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise ConfigurationError(
            f"Cannot connect to {shown}: {cause}. Check the address and that the server runs; "
            "`headgate-server migrate` makes the roles and prints their addresses."
        ) from error


async def check_server(engine: AsyncEngine, *, is_owner: bool = False) -> None:
    """Refuse a server that is too old, and an application role that could see past the walls.

    Raises:
        ConfigurationError: the server or the role will not do; the message says what to change.
    """
    async with engine.connect() as connection:
        version = (await connection.execute(text("show server_version_num"))).scalar_one()
        role = (await connection.execute(_ROLE)).one()
    check_version(int(version))
    if is_owner:
        return
    for can, what in (
        (role.sees_all, "is a superuser or bypasses row-level security"),
        (role.becomes, "is a member of one that is a superuser or bypasses row-level security"),
        (role.owns, "owns tables, whose walls it could take away, or is a member of their owner"),
        (role.creates, "may make tables and functions"),
    ):
        if can:
            raise ConfigurationError(
                f"The database role {role.rolname} {what}, so tenants would not be kept apart. "
                "Use the URLs that `headgate-server migrate` prints."
            )


def check_version(number: int) -> None:
    """Refuse a Postgres by its ``server_version_num``, such as 150014 for 15.14.

    Raises:
        ConfigurationError: too old; the message says what it takes.
    """
    major, minor = divmod(number, 10_000)
    if major >= min(MINIMUM_MINORS) and minor >= MINIMUM_MINORS.get(major, 0):
        return
    needed = ", ".join(f"{major}.{minor}" for major, minor in sorted(MINIMUM_MINORS.items()))
    raise ConfigurationError(
        f"Postgres {major}.{minor} is too old: Headgate needs {needed} or anything newer. Upgrade "
        "the server, or point HEADGATE_DATABASE_URL at another."
    )
