"""Quotas through the API: read by the tenant, set by an operator, told where they refuse."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain.clock import SystemClock
from headgate_server.domain.ids import Kind
from headgate_server.domain.quotas import API_KINDS, LOG_KINDS
from headgate_server.services import stored_sizes
from tests.backend.graphql.test_closing import signed_in
from tests.factories.estates import Estate, make_estate
from tests.factories.mutations import log_report, mutate
from tests.fixtures.api import ApiClient
from tests.fixtures.browsers import Browser
from tests.fixtures.installations import Installation, replica

pytestmark = pytest.mark.anyio

SET = """mutation ($id: ID!, $quotas: [QuotaInput!]!) {
  organizationQuotasUpdate(input: {id: $id, quotas: $quotas}) {
    quotas { kind limit isDefault } errors { code message } } }"""
READ = """query ($id: ID!) { node(id: $id) { ... on Organization {
  quotas { kind limit used resetsAt isDefault } usageDays(days: 7) { day runs apiPoints logBytes }
  auditLog(first: 1) { nodes { action actor { displayName } diff } } } } }"""
CREATE = """mutation ($input: FlowRunCreateInput!) { flowRunCreate(input: $input) {
  flowRun { id } errors { code message ... on LimitError { limit current resetAt quota } } } }"""
APPEND = """mutation ($input: LogsAppendInput!) {
  logsAppend(input: $input) { nextOffset droppedForQuota errors { code } } }"""
VIEWER = "{ viewer { actor { displayName } } }"


@pytest.fixture
async def estate(installation: Installation) -> Estate:
    return await make_estate(installation)


@pytest.fixture
async def operator(installation: Installation) -> Browser:
    operators = await make_estate(installation)
    return await signed_in(installation, operators, email="op@example.com", is_operator=True)


async def limit(operator: Browser, estate: Estate, **limits: int | None) -> Any:
    wanted = [{"kind": kind.upper(), "limit": most} for kind, most in limits.items()]
    answer = await operator.execute(SET, id=estate.ids[Kind.ORGANIZATION], quotas=wanted)
    return answer.data["organizationQuotasUpdate"]


async def read(estate: Estate) -> Any:
    return (await estate.wide.execute(READ, id=estate.ids[Kind.ORGANIZATION])).data["node"]


def one(quotas: list[Any], kind: str) -> Any:
    return next(found for found in quotas if found["kind"] == kind)


async def test_tenant_reads_quotas_that_an_operator_set(estate: Estate, operator: Browser) -> None:
    made = await limit(operator, estate, runs_per_month=1_000, stored_bytes=2**40)

    found = await read(estate)

    assert made["errors"] == []
    runs, stored = one(found["quotas"], "RUNS_PER_MONTH"), one(found["quotas"], "STORED_BYTES")
    assert (runs["limit"], runs["isDefault"], stored["limit"]) == (1_000, False, 2**40)
    assert runs["used"] >= 3
    assert runs["resetsAt"].endswith("T00:00:00.000000Z")
    assert one(found["quotas"], "RUNS_PER_DAY")["limit"] is None
    assert [day["runs"] for day in found["usageDays"]] == [runs["used"]]
    (entry,) = found["auditLog"]["nodes"]
    assert entry["action"] == "organization.quotas_set"
    assert entry["diff"]["after"] == {"runs_per_month": 1_000, "stored_bytes": 2**40}


async def test_only_operators_set_quotas(
    installation: Installation, estate: Estate, operator: Browser
) -> None:
    member = await signed_in(installation, estate, email="ada@example.com", is_operator=False)
    wanted = {"id": estate.ids[Kind.ORGANIZATION], "quotas": [{"kind": "KEPT_DAYS", "limit": 9}]}

    for client in (member, estate.wide, estate.bound):
        refused = (await client.execute(SET, **wanted)).data["organizationQuotasUpdate"]
        assert [error["code"] for error in refused["errors"]] == ["FORBIDDEN"]

    assert one((await read(estate))["quotas"], "KEPT_DAYS")["limit"] is None
    for bad in ([{"kind": "KEPT_DAYS", "limit": -1}], 2 * wanted["quotas"]):
        answer = await operator.execute(SET, id=wanted["id"], quotas=bad)
        errors = answer.data["organizationQuotasUpdate"]["errors"]
        assert [error["code"] for error in errors] == ["INVALID"]


async def test_refused_run_names_the_quota_and_what_runs_goes_on(
    estate: Estate, operator: Browser
) -> None:
    await limit(operator, estate, runs_per_day=1)
    place = {"workspaceId": estate.ids[Kind.WORKSPACE]}
    wanted = {**place, "deploymentId": estate.ids[Kind.DEPLOYMENT]}

    refused = (await estate.wide.execute(CREATE, input=wanted)).data["flowRunCreate"]
    running = await estate.run.execute(VIEWER)

    (error,) = refused["errors"]
    assert refused["flowRun"] is None
    assert (error["code"], error["quota"], error["limit"]) == ("QUOTA_EXCEEDED", "RUNS_PER_DAY", 1)
    assert error["current"] >= 1
    assert error["resetAt"]
    assert running.status == 200


async def test_used_up_api_quota_is_told_with_a_time_and_agents_and_runs_go_on(
    installation: Installation, estate: Estate, operator: Browser
) -> None:
    await limit(operator, estate, api_points_per_day=1)
    await installation.usage.look(installation.database)

    refused = await estate.wide.execute(VIEWER)
    others = [await client.execute(VIEWER) for client in (estate.agent, estate.run)]
    operated = await operator.execute(VIEWER)

    assert refused.status == 429
    extensions = refused.error["extensions"]
    assert (extensions["code"], extensions["quota"]) == ("RATE_LIMITED", "API_POINTS_PER_DAY")
    assert extensions["retryAfterMs"] <= timedelta(days=1).total_seconds() * 1000
    seconds = int(refused.headers["retry-after"])
    assert abs(seconds * 1000 - extensions["retryAfterMs"]) <= 1000
    assert [answer.status for answer in (*others, operated)] == [200, 200, 200]

    await limit(operator, estate, api_points_per_day=None)
    await installation.usage.look(installation.database)
    assert (await estate.wide.execute(VIEWER)).status == 200


async def test_lines_beyond_a_quota_are_dropped_and_counted(
    installation: Installation, estate: Estate, operator: Browser
) -> None:
    report = log_report(estate.ids[Kind.FLOW_RUN], estate.ids[Kind.TASK_RUN])
    before = one((await read(estate))["quotas"], "LOG_BYTES_PER_DAY")
    await installation.usage.look(installation.database)
    after = one((await read(estate))["quotas"], "LOG_BYTES_PER_DAY")
    await limit(operator, estate, log_bytes_per_day=1)
    installation.usage.note_active(estate.tenant.organization_id)
    await installation.usage.look(installation.database)

    lines = len(report["batch"]["message"])
    answer = (await estate.run.execute(APPEND, input=report)).data["logsAppend"]

    assert (before["used"], after["used"] > 0) == (0, True)
    assert answer == {"nextOffset": lines, "droppedForQuota": lines, "errors": []}


async def test_replicas_know_what_the_others_granted(
    urls: DatabaseUrls,
    redis_url: str,
    installation: Installation,
    estate: Estate,
    operator: Browser,
) -> None:
    organization_id = estate.tenant.organization_id
    async with replica(urls, redis_url) as other:
        await limit(operator, estate, api_points_per_day=1_000, log_bytes_per_day=1)
        await installation.usage.look(installation.database)
        await other.usage.look(other.database)
        first = other.usage.over(organization_id, LOG_KINDS)
        other.usage.note_active(organization_id)
        await other.usage.look(other.database)
        second = other.usage.over(organization_id, LOG_KINDS)

        assert first is None
        assert second is not None
        assert second.used > 1
        assert other.usage.over(organization_id, API_KINDS) is None


async def test_used_quota_starts_anew_with_the_day(
    installation: Installation, estate: Estate, operator: Browser
) -> None:
    await limit(operator, estate, api_points_per_day=1)
    await installation.usage.look(installation.database)
    organization_id = estate.tenant.organization_id
    spent = installation.usage.over(organization_id, API_KINDS)

    tomorrow = SystemClock().now() + timedelta(days=1)
    installation.usage.read_now = lambda: tomorrow

    assert spent is not None
    assert installation.usage.over(organization_id, API_KINDS) is None


async def test_replica_that_nobody_uses_asks_nothing(
    installation: Installation, statements: list[str]
) -> None:
    await installation.usage.look(installation.database)
    statements.clear()

    await installation.usage.look(installation.database)

    assert statements == []


async def test_what_is_beyond_the_stored_bytes_is_refused_and_runs_report_on(
    installation: Installation, estate: Estate, operator: Browser
) -> None:
    artifact = {"flowRunId": estate.own_run["lease"]["runId"], "type": "markdown"}
    data = Random(4).randbytes(300_000).hex()  # noqa: S311  a text that cannot be compressed
    place = {"workspaceId": estate.ids[Kind.WORKSPACE]}
    run = {**place, "deploymentId": estate.ids[Kind.DEPLOYMENT]}
    before = one((await read(estate))["quotas"], "STORED_BYTES")["used"]
    await mutate(estate.run, "artifactCreate", "artifact { id }", **artifact, data=data)
    assert [sampled async for sampled in stored_sizes.sample_sizes(installation.database)]
    after = one((await read(estate))["quotas"], "STORED_BYTES")["used"]
    await limit(operator, estate, stored_bytes=after)
    await installation.usage.look(installation.database)

    wanted = {
        "artifactCreate": (estate.run, {**artifact, "data": data}),
        "variableSet": (estate.wide, {**place, "name": "large", "value": "x"}),
        "blockTypeUpsert": (estate.wide, {**place, "slug": "large", "name": "Large"}),
        "flowRunCreate": (estate.wide, {**run, "parameters": {"text": "x"}}),
        "flowRunCreateBatch": (estate.wide, {**place, "runs": [run]}),
    }
    codes = {
        field: await refusals(client, field, given) for field, (client, given) in wanted.items()
    }
    lease = estate.own_run["lease"]
    report = {"id": lease["runId"], "lease": lease}
    reported = [
        await mutate(estate.run, "flowRunSetState", "accepted", **report, state={"type": state})
        for state in ("RUNNING", "COMPLETED")
    ]

    assert after - before > 300_000
    assert codes == {field: ["QUOTA_EXCEEDED"] for field in wanted}
    assert reported == [{"accepted": True, "errors": []}] * 2

    await limit(operator, estate, stored_bytes=None)
    await installation.usage.look(installation.database)
    await mutate(estate.wide, "variableSet", "variable { id }", **wanted["variableSet"][1])


async def test_batch_that_is_sent_again_is_answered_where_nothing_more_may_be_stored(
    installation: Installation, estate: Estate, operator: Browser
) -> None:
    place = {"workspaceId": estate.ids[Kind.WORKSPACE]}
    runs = [{**place, "deploymentId": estate.ids[Kind.DEPLOYMENT]}]
    given: dict[str, Any] = {**place, "runs": runs, "idempotencyKey": "k"}
    shape = "results { flowRun { id } duplicate }"
    first = await mutate(estate.wide, "flowRunCreateBatch", shape, **given)
    assert [sampled async for sampled in stored_sizes.sample_sizes(installation.database)]
    await limit(operator, estate, stored_bytes=1)
    await installation.usage.look(installation.database)

    again = await mutate(estate.wide, "flowRunCreateBatch", shape, **given)
    given["idempotencyKey"] = "another"

    assert again["results"] == [{**first["results"][0], "duplicate": True}]
    assert await refusals(estate.wide, "flowRunCreateBatch", given) == ["QUOTA_EXCEEDED"]


async def refusals(client: ApiClient, field: str, given: dict[str, Any]) -> list[str]:
    name = f"{field[0].upper()}{field[1:]}Input"
    document = f"mutation ($input: {name}!) {{ {field}(input: $input) {{ errors {{ code }} }} }}"
    payload = (await client.execute(document, input=given)).data[field]
    return [error["code"] for error in payload["errors"]]
