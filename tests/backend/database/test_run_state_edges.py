"""The database itself lets no run go where no edge leads, whoever asks."""

import re

import asyncpg
import pytest

from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain.states import EDGES, TERMINAL, StateType
from tests.fixtures.sql import query
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

TRIGGER = "select pg_get_triggerdef(oid) from pg_trigger where tgname = 'flow_run_edge'"


async def test_the_edges_of_the_database_are_those_of_the_rules_and_of_force(
    urls: DatabaseUrls,
) -> None:
    pairs = set(re.findall(r"'([A-Z]+) ([A-Z]+)'", await query(urls.owner, TRIGGER)))

    forced = TERMINAL | {StateType.SCHEDULED}
    assert pairs == {
        (old.value, new.value)
        for old, edges in EDGES.items()
        for new in edges | forced
        if old is not new
    }


async def test_a_statement_by_hand_is_refused_and_changes_nothing(
    world: World, urls: DatabaseUrls
) -> None:
    lease = await world.started()
    end = "update flow_runs set state_type = 'COMPLETED', ended_at = now()"
    again = "update flow_runs set state_type = 'RUNNING', ended_at = null"
    history = await world.history(lease.run_id)

    with pytest.raises(asyncpg.CheckViolationError, match="from RUNNING to PENDING"):
        await query(urls.owner, "update flow_runs set state_type = 'PENDING'")
    await query(urls.owner, end)
    with pytest.raises(asyncpg.CheckViolationError, match="from COMPLETED to RUNNING"):
        await query(urls.owner, again)

    assert await query(urls.owner, "select state_type from flow_runs") == "COMPLETED"
    assert await world.history(lease.run_id) == history
