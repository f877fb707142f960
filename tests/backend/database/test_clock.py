"""The time of glances: the database's, carried on from when it was asked for."""

from datetime import datetime

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import Connection, Engine

from headgate_server.database.work import Database

pytestmark = pytest.mark.anyio


async def test_a_glance_is_not_behind_after_an_answer_that_came_late(database: Database) -> None:
    arrivals: list[datetime] = []

    def delay(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if "set_config" in statement:
            connection.exec_driver_sql("select pg_sleep(0.05)")
            told = connection.exec_driver_sql("select clock_timestamp()")
            arrivals.append(told.scalar_one())

    event.listen(Engine, "after_cursor_execute", delay)
    try:
        async with database.system() as work:
            await work.execute(text("select 1"))
    finally:
        event.remove(Engine, "after_cursor_execute", delay)
    async with database.glance() as looking:
        assert looking.now >= arrivals[0]
