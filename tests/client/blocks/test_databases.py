"""Statements through SQLAlchemy: in Postgres by asyncio's driver, in SQLite by a blocking one."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headgate.blocks.databases import DatabaseCredentials, SqlAlchemyConnector
from headgate.errors import BlockError
from headgate_server.database.urls import DatabaseUrls

ROWS = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}, {"id": 3, "name": "c"}]
INSERT = "insert into things values (:id, :name)"
SELECT = "select id, name from things order by id"


def connector(**credentials: Any) -> SqlAlchemyConnector:
    info = DatabaseCredentials.model_validate(credentials)
    return SqlAlchemyConnector(connection_info=info, fetch_size=2)


def sqlite(tmp_path: Path) -> dict[str, Any]:
    return {"driver": "sqlite", "database": str(tmp_path / "db")}


async def test_coroutines_in_postgres(urls: DatabaseUrls) -> None:
    url = urls.owner.replace("postgresql://", "postgresql+asyncpg://")
    async with connector(url=url) as database:
        await database.aexecute("create table things (id int, name text)")
        await database.aexecute_many(INSERT, ROWS)

        assert await database.afetch_all(SELECT) == [(1, "a"), (2, "b"), (3, "c")]
        assert await database.afetch_many(SELECT) == [(1, "a"), (2, "b")]
        assert (
            await database.afetch_one("select name from things where id = :id", {"id": 9}) is None
        )
        with pytest.raises(BlockError, match="await afetch_all"):
            database.fetch_all(SELECT)


def test_functions_in_sqlite(tmp_path: Path) -> None:
    with connector(**sqlite(tmp_path)) as database:
        database.execute("create table things (id int, name text)")
        database.execute_many(INSERT, ROWS)

        assert database.fetch_one(SELECT) == (1, "a")
        assert database.fetch_many(SELECT, size=1) == [(1, "a")]
        assert len(database.fetch_all(SELECT)) == 3
        assert asyncio.run(database.afetch_one(SELECT)) == (1, "a")


def test_a_failed_statement_leaves_nothing_and_tells_no_parameter(tmp_path: Path) -> None:
    with connector(**sqlite(tmp_path)) as database:
        database.execute("create table things (id int unique, name text)")

        with pytest.raises(Exception, match="UNIQUE") as failed:
            database.execute_many(INSERT, [ROWS[0], {"id": 1, "name": "told-nowhere"}])

        assert database.fetch_all(SELECT) == []
    assert "told-nowhere" not in str(failed.value)


@pytest.mark.parametrize(
    ("credentials", "message"),
    [
        ({}, "Say the url"),
        ({"url": "s3cret no url"}, "is malformed"),
        ({"url": "oracle+none://u:s3cret@h/d"}, "driver of oracle"),
    ],
)
def test_bad_credentials_are_told_without_them(credentials: dict[str, str], message: str) -> None:
    with pytest.raises(BlockError, match=message) as refused:
        connector(**credentials).get_engine()

    assert "s3cret" not in str(refused.value)


def test_the_parts_of_a_url_are_escaped() -> None:
    make: Callable[..., Any] = DatabaseCredentials.model_validate
    info = make({"driver": "postgresql+asyncpg", "username": "u", "password": "p@/:", "host": "h"})

    assert info.get_url().render_as_string(hide_password=False) == (
        "postgresql+asyncpg://u:p%40%2F%3A@h"
    )
