"""Columns of textual statements are learned, and never taken for others after a migration."""

import pytest
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB

from headgate_server.database.columns import with_columns
from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.domain.errors import Unavailable
from tests.fixtures.sql import query

pytestmark = pytest.mark.anyio


async def test_a_changed_table_is_read_anew_and_never_shifted(
    database: Database, urls: DatabaseUrls
) -> None:
    await query(urls.owner, "create table animals as select 1 as id, 'heron' as name")
    await query(urls.owner, "grant select on animals to public")
    statement = text("select animals.*, 'end' as mark from animals")

    async def read() -> dict[str, object]:
        async with database.system() as work:
            return dict((await work.execute(statement)).mappings().one())

    whole = {"id": 1, "name": "heron", "mark": "end"}
    assert [await read() for _ in range(3)] == [whole] * 3
    assert with_columns(statement)[1] == ("id", "name", "mark")

    await query(urls.owner, "alter table animals add legs integer default 2")
    await database.dispose()  # a connection that has prepared nothing: Postgres does not object
    with pytest.raises(Unavailable):
        await read()

    assert await read() == {"id": 1, "name": "heron", "legs": 2, "mark": "end"}


async def test_writing_outside_of_a_transaction_is_never_reported_as_failed(
    database: Database, urls: DatabaseUrls
) -> None:
    await query(urls.owner, "create table finches as select 1 as id, 0 as seen")
    await query(urls.owner, "grant select, update on finches to public")
    statement = text("update finches set seen = seen + 1 returning finches.*")

    async def look() -> dict[str, object]:
        async with database.glance() as work:
            return dict((await work.execute(statement)).mappings().one())

    assert [(await look())["seen"] for _ in range(2)] == [1, 2]
    await query(urls.owner, "alter table finches add legs integer default 2")
    await database.dispose()

    assert await look() == {"id": 1, "seen": 3, "legs": 2}


async def test_named_types_and_statements_without_rows_stay_as_they_are(
    database: Database,
) -> None:
    typed = text("""select 'x' as word, cast('{"a": [1]}' as jsonb) as found""")
    reading = typed.columns(found=JSONB())
    setting = text("set local statement_timeout = '5s'")

    async with database.system() as work:
        for _ in range(3):
            row = (await work.execute(reading)).one()
            assert (row.word, row.found) == ("x", {"a": [1]})
            assert not (await work.execute(setting)).returns_rows
            two = text("select 1 as same, 2 as same")
            assert tuple((await work.execute(two)).one()) == (1, 2)
