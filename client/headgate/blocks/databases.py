"""Blocks of databases, through SQLAlchemy: who signs in where, and statements there."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Self

from pydantic import Field, PrivateAttr, SecretStr

from headgate.blocks.core import Block
from headgate.blocks.values import SecretDict
from headgate.errors import BlockError, MissingExtraError
from headgate.libraries import library

Parameters = Mapping[str, Any] | None
Row = tuple[Any, ...]


class DatabaseCredentials(Block):
    """Where a database is and who signs in there: as a URL, or as its parts."""

    _block_type_name = "Database Credentials"
    _block_type_slug = "database-credentials"

    url: SecretStr | None = Field(default=None, description="The whole URL of SQLAlchemy.")
    driver: str | None = Field(default=None, description="Such as postgresql+asyncpg.")
    username: str | None = Field(default=None, description="Who signs in.")
    password: SecretStr | None = Field(default=None, description="With what.")
    host: str | None = Field(default=None, description="Where it is.")
    port: int | None = Field(default=None, ge=1, le=65535, description="At which port.")
    database: str | None = Field(default=None, description="Its name.")
    query: SecretDict = Field(default={}, description="What else the driver is told, all secret.")

    def get_url(self) -> Any:
        """Return the URL of SQLAlchemy.

        Raises:
            BlockError: neither a URL nor a driver is said, or the URL is malformed; it is not told.
            MissingExtraError: SQLAlchemy is not installed.
        """
        urls = library("sqlalchemy.engine", extra="sqlalchemy")
        if self.url is not None:
            try:
                return urls.make_url(self.url.get_secret_value())
            except library("sqlalchemy.exc", extra="sqlalchemy").ArgumentError:
                message = "The database's url is malformed: driver://user:password@host/database"
                raise BlockError(message) from None
        if self.driver is None:
            message = "Say the url of the database, or its driver and the rest"
            raise BlockError(message)
        return urls.URL.create(
            self.driver,
            username=self.username,
            password=None if self.password is None else self.password.get_secret_value(),
            host=self.host,
            port=self.port,
            database=self.database,
            query={name: str(one.get_secret_value()) for name, one in self.query.items()},
        )


class SqlAlchemyConnector(Block):
    """Statements in a database. Drivers of both kinds do: asyncio's have the ``a…`` verbs alone.

    Each call is a transaction of its own. Use it in ``with`` or ``async with``, or close it.
    """

    _block_type_name = "SQLAlchemy Connector"
    _block_type_slug = "sqlalchemy-connector"

    connection_info: DatabaseCredentials = Field(description="Where the database is.")
    fetch_size: int = Field(default=100, ge=1, description="How many rows fetch_many returns.")

    _engine: Any = PrivateAttr(default=None)

    def get_engine(self) -> Any:
        """Return the engine of SQLAlchemy, made once; it masks parameters in its errors.

        Raises:
            BlockError: the URL is malformed, or its driver is not installed.
        """
        if self._engine is None:
            self._engine = _engine_of(self.connection_info.get_url())
        return self._engine

    def fetch_one(self, operation: str, parameters: Parameters = None) -> Row | None:
        """Return the first row of a statement, or None; ``:name`` stands for a parameter."""
        return next(iter(self._run(operation, parameters, count=1)), None)

    def fetch_many(
        self, operation: str, parameters: Parameters = None, size: int | None = None
    ) -> list[Row]:
        """Return the first rows of a statement."""
        return self._run(operation, parameters, count=size or self.fetch_size)

    def fetch_all(self, operation: str, parameters: Parameters = None) -> list[Row]:
        """Return all the rows of a statement."""
        return self._run(operation, parameters, count=None)

    def execute(self, operation: str, parameters: Parameters = None) -> None:
        """Run a statement, and commit."""
        self._run(operation, parameters, count=0)

    def execute_many(self, operation: str, seq_of_parameters: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement once for each of some parameters, in one transaction."""
        if seq_of_parameters:
            self._run(operation, list(seq_of_parameters), count=0)

    async def afetch_one(self, operation: str, parameters: Parameters = None) -> Row | None:
        """Do as ``fetch_one`` does, in a coroutine."""
        return next(iter(await self._arun(operation, parameters, count=1)), None)

    async def afetch_many(
        self, operation: str, parameters: Parameters = None, size: int | None = None
    ) -> list[Row]:
        """Do as ``fetch_many`` does, in a coroutine."""
        return await self._arun(operation, parameters, count=size or self.fetch_size)

    async def afetch_all(self, operation: str, parameters: Parameters = None) -> list[Row]:
        """Do as ``fetch_all`` does, in a coroutine."""
        return await self._arun(operation, parameters, count=None)

    async def aexecute(self, operation: str, parameters: Parameters = None) -> None:
        """Do as ``execute`` does, in a coroutine."""
        await self._arun(operation, parameters, count=0)

    async def aexecute_many(
        self, operation: str, seq_of_parameters: Sequence[Mapping[str, Any]]
    ) -> None:
        """Do as ``execute_many`` does, in a coroutine."""
        if seq_of_parameters:
            await self._arun(operation, list(seq_of_parameters), count=0)

    def close(self) -> None:
        """Close the connections; another call opens them anew."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()

    async def aclose(self) -> None:
        """Do as ``close`` does, in a coroutine."""
        engine, self._engine = self._engine, None
        if engine is None:
            return
        if engine.dialect.is_async:
            await engine.dispose()
        else:
            await asyncio.to_thread(engine.dispose)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _run(self, operation: str, parameters: Any, *, count: int | None) -> list[Row]:
        engine = self.get_engine()
        if engine.dialect.is_async:
            message = "The driver is asyncio's: await afetch_all and the like, or name another"
            raise BlockError(message)
        with engine.begin() as connection:
            return _rows(connection.execute(_text(operation), parameters), count)

    async def _arun(self, operation: str, parameters: Any, *, count: int | None) -> list[Row]:
        engine = self.get_engine()
        if not engine.dialect.is_async:
            return await asyncio.to_thread(self._run, operation, parameters, count=count)
        async with engine.begin() as connection:
            return _rows(await connection.execute(_text(operation), parameters), count)


def _engine_of(url: Any) -> Any:
    errors = library("sqlalchemy.exc", extra="sqlalchemy")
    try:
        if url.get_dialect().is_async:
            asyncio_engines = library("sqlalchemy.ext.asyncio", extra="sqlalchemy")
            return asyncio_engines.create_async_engine(url, hide_parameters=True)
        return library("sqlalchemy", extra="sqlalchemy").create_engine(url, hide_parameters=True)
    except MissingExtraError:
        raise
    except (errors.NoSuchModuleError, ModuleNotFoundError):
        message = f"The driver of {url.drivername} is not installed here; name another, or add it"
        raise BlockError(message) from None


def _text(operation: str) -> Any:
    return library("sqlalchemy", extra="sqlalchemy").text(operation)


def _rows(result: Any, count: int | None) -> list[Row]:
    if count == 0 or not result.returns_rows:
        return []
    found = result.fetchall() if count is None else result.fetchmany(count)
    return [tuple(row) for row in found]
