"""A quota of runs while two replicas create them and one is killed: exact, and hardly exceeded."""

import http.client
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from headgate_server.database.work import Database
from headgate_server.domain.quotas import QuotaKind
from headgate_server.services import quotas
from headgate_server.tables.flow_runs import flow_runs
from headgate_server.tables.quotas import usage_days, usage_deltas
from tests.fixtures.deadlines import eventually
from tests.fixtures.journeys import Journey
from tests.load.http_calls import Caller

pytestmark = pytest.mark.anyio

MOST = 300
CREATORS = 8
BEGIN = """mutation Begin($input: FlowRunBeginInput!) { flowRunBegin(input: $input) {
  flowRun { id } errors { code ... on LimitError { quota } } } }"""


def create(url: str, token: str, workspace_id: str) -> str:
    """Begin runs until the quota refuses one, or the replica is gone; say which."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port)
    with closing(connection):
        caller = Caller(url, token, connection=connection)
        while True:
            given = {"workspaceId": workspace_id, "flowName": "etl", "clientId": str(uuid4())}
            try:
                begun = caller.call(BEGIN, {"input": given})["flowRunBegin"]
            except (OSError, http.client.HTTPException):
                return "gone"
            except RuntimeError as error:
                # Its rate is another matter.
                if "RATE_LIMITED" not in str(error):
                    raise
                continue
            if begun["errors"]:
                return str(begun["errors"][0]["quota"])


async def runs_there(database: Database) -> int:
    async with database.system() as work:
        return (await work.execute(select(func.count()).select_from(flow_runs))).scalar_one()


async def test_quota_of_runs_is_exact_though_a_replica_is_killed(
    journey: Journey, database: Database
) -> None:
    site = journey.installation
    other = site.start_api()
    await quotas.set_defaults(database, {QuotaKind.RUNS_PER_DAY: MOST})

    with ThreadPoolExecutor(CREATORS) as threads:
        ends = [
            threads.submit(create, url, site.api_key, journey.workspace_id)
            for url in (site.apis[0].url, other.url)
            for _ in range(CREATORS // 2)
        ]

        async def are_under_way() -> bool:
            return await runs_there(database) > MOST // 3

        await eventually(are_under_way, within_seconds=60, what="The creators")
        other.process.kill()
    told = [end.result() for end in ends]

    made = await runs_there(database)
    async with database.system() as work:
        # In one statement: the scheduler moves sums from one table to the other.
        sums = [
            select(func.coalesce(func.sum(table.c.runs), 0)).scalar_subquery()
            for table in (usage_days, usage_deltas)
        ]
        counted = (await work.execute(select(sums[0] + sums[1]))).scalar_one()
    assert told == ["RUNS_PER_DAY"] * (CREATORS // 2) + ["gone"] * (CREATORS // 2)
    assert MOST <= made < MOST + CREATORS
    assert counted == made
