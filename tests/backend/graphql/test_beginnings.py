"""Lists without pages: the first hundred, how many more there are, and what many of them cost."""

from uuid import UUID

import pytest

from headgate_server.bus.buckets import Buckets
from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain.ids import Kind, parse
from headgate_server.graphql.limits.rates import Meter
from headgate_server.graphql.limits.rules import ASSUMED_LIST_SIZE
from headgate_server.graphql.shapes import beginnings
from headgate_server.repositories import pages
from headgate_server.settings import Rates
from tests.backend.graphql.local_app import principal
from tests.factories.estates import Estate
from tests.factories.mutations import Json, mutate
from tests.fixtures.installations import Installation
from tests.fixtures.sql import query

pytestmark = pytest.mark.anyio

MADE = 101
DELETE = """mutation ($id: ID!) {
  blockDocumentDelete(input: {id: $id}) { errors { message } } }"""
BLOCK = """query ($id: ID!) { node(id: $id) { ... on BlockDocument {
  deployments { name } deploymentsMore referredBy { id } referredByMore } } }"""
TEAM = """query ($id: ID!) { node(id: $id) { ... on Team {
  members { id } membersMore bindings { id } bindingsMore } } }"""
NESTED = """query ($id: ID!) { node(id: $id) { ... on Team {
  members { teams { members { id } } teamsMore } } } }"""
POOL = "query ($id: ID!) { node(id: $id) { ... on WorkPool { queues { id } queuesMore } } }"
ALL_QUEUES = """query ($id: ID!, $after: Cursor) { node(id: $id) { ... on WorkPool {
  allQueues(first: 60, after: $after) {
    nodes { name priority } totalCount { value } pageInfo { endCursor hasNextPage } } } } }"""
SPENT = """query ($id: ID!) { node(id: $id) { ... on Organization {
  usageDays(days: 2) { apiPoints } } } }"""
COPY = """
insert into {table} select (jsonb_populate_record(row, jsonb_build_object(
  'id', gen_random_uuid(), 'name', 'copy-' || lpad(number::text, 3, '0')))).*
from {table} row, generate_series(1, {count}) number where row.id = '{id}'"""
JOIN = """
with people as (
  insert into users (id, display_name)
  select gen_random_uuid(), 'Person' from generate_series(1, {count}) returning id),
joined as (
  insert into memberships (organization_id, id, user_id, invited_by_kind, invited_by_name)
  select '{organization}', gen_random_uuid(), id, 'system', 'Headgate' from people returning id)
insert into team_members (organization_id, team_id, membership_id)
select '{organization}', '{team}', id from joined"""

MEMBERS = "select count(*) from team_members where team_id = '{}'"
QUEUE = "select id from work_queues where work_pool_id = '{}' limit 1"
QUEUES = "select count(*) from work_queues where work_pool_id = '{}'"


async def copy(urls: DatabaseUrls, table: str, *, id_: UUID, count: int = MADE) -> None:
    """Make copies of a row, each with an id and a name of its own."""
    await query(urls.system, COPY.format(table=table, id=id_, count=count))


async def fill_team(urls: DatabaseUrls, estate: Estate, *, count: int) -> int:
    """Put new people into the estate's team, and return how many are in it then."""
    team = parse(estate.ids[Kind.TEAM], kind=Kind.TEAM)
    place = estate.tenant.organization_id
    await query(urls.system, JOIN.format(organization=place, team=team, count=count))
    return await query(urls.system, MEMBERS.format(team))


async def read(estate: Estate, document: str, kind: Kind) -> Json:
    return (await estate.wide.execute(document, id=estate.ids[kind])).data["node"]


async def test_block_that_many_deployments_name_shows_the_first_and_counts_the_others(
    estate: Estate, urls: DatabaseUrls
) -> None:
    made = await mutate(
        estate.bound,
        "deploymentUpsert",
        "deployment { id }",
        workspaceId=estate.ids[Kind.WORKSPACE],
        flowName="reads",
        name="a",
        blocks=[await reference_of(estate)],
    )
    id_ = parse(made["deployment"]["id"], kind=Kind.DEPLOYMENT)
    before = await read(estate, BLOCK, Kind.BLOCK_DOCUMENT)

    await copy(urls, "deployments", id_=id_)
    after = await read(estate, BLOCK, Kind.BLOCK_DOCUMENT)
    refused = await estate.wide.execute(DELETE, id=estate.ids[Kind.BLOCK_DOCUMENT])

    names = [one["name"] for one in after["deployments"]]
    assert before["deploymentsMore"] == 0
    assert len(names) == 100
    assert names == sorted(names)
    assert len(names) + after["deploymentsMore"] == len(before["deployments"]) + MADE
    assert str(len(before["deployments"]) + MADE) in refused.body.decode()


async def reference_of(estate: Estate) -> str:
    document = "query ($id: ID!) { node(id: $id) { ... on BlockDocument { reference } } }"
    return (await read(estate, document, Kind.BLOCK_DOCUMENT))["reference"]


async def test_team_of_many_shows_who_joined_first_and_counts_the_others(
    estate: Estate, urls: DatabaseUrls
) -> None:
    first = await read(estate, TEAM, Kind.TEAM)

    there = await fill_team(urls, estate, count=MADE)
    team = await read(estate, TEAM, Kind.TEAM)

    assert len(team["members"]) == 100
    assert team["membersMore"] == there - 100
    assert team["members"][: len(first["members"])] == first["members"]
    assert team["bindingsMore"] == 0


async def test_pool_of_many_queues_shows_the_first_and_counts_the_others(
    estate: Estate, urls: DatabaseUrls
) -> None:
    pool = parse(estate.ids[Kind.WORK_POOL], kind=Kind.WORK_POOL)

    await copy(urls, "work_queues", id_=await query(urls.system, QUEUE.format(pool)))
    shown = await read(estate, POOL, Kind.WORK_POOL)

    assert len(shown["queues"]) == 100
    assert shown["queuesMore"] == await query(urls.system, QUEUES.format(pool)) - 100


async def test_all_queues_of_a_pool_come_by_pages_in_the_order_in_which_they_are_served(
    estate: Estate, urls: DatabaseUrls
) -> None:
    pool = parse(estate.ids[Kind.WORK_POOL], kind=Kind.WORK_POOL)
    await copy(urls, "work_queues", id_=await query(urls.system, QUEUE.format(pool)))

    found: list[tuple[int, str]] = []
    after = None
    while True:
        asked = {"id": estate.ids[Kind.WORK_POOL], "after": after}
        answer = await estate.wide.execute(ALL_QUEUES, **asked)
        page = answer.data["node"]["allQueues"]
        found += [(node["priority"], node["name"]) for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break

    assert found == sorted(found)
    assert len(set(found)) == page["totalCount"]["value"]
    assert len(found) == await query(urls.system, QUEUES.format(pool))


async def test_lists_within_lists_hold_no_more_than_an_operation_may(
    estate: Estate, urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = await fill_team(urls, estate, count=15)
    monkeypatch.setattr(pages, "OWNERS_AT_ONCE", 4)
    small = await read(estate, NESTED, Kind.TEAM)

    monkeypatch.setattr(beginnings, "MAX_COST", there)
    refused = await estate.wide.execute(NESTED, id=estate.ids[Kind.TEAM])

    teams = [team for member in small["members"] for team in member["teams"]]
    assert len(small["members"]) == there
    assert max(len(team["members"]) for team in teams) == there
    assert refused.code == "LIMIT_EXCEEDED"


async def test_what_lists_hold_beyond_their_charge_is_points_of_the_organization(
    estate: Estate, installation: Installation, urls: DatabaseUrls
) -> None:
    await fill_team(urls, estate, count=MADE)
    await points_of(estate, installation)

    spent = [await points_of(estate, installation) for _ in range(2)]
    await read(estate, TEAM, Kind.TEAM)
    spent.append(await points_of(estate, installation))

    looks = spent[1] - spent[0]
    assert spent[2] - spent[1] >= looks + 100 - ASSUMED_LIST_SIZE


async def points_of(estate: Estate, installation: Installation) -> int:
    """Return what the estate's organization has spent, with what is read here."""
    await installation.usage.look(installation.database)
    days = (await read(estate, SPENT, Kind.ORGANIZATION))["usageDays"]
    return sum(day["apiPoints"] for day in days)


async def test_what_lists_held_beyond_their_charge_is_owed() -> None:
    rates = Rates(user=3, key=1, agent=1, run=2, organization=0, reports=5, burst_seconds=1)
    meter, caller = Meter(Buckets(), rates), principal()

    await meter.charge_late(caller, 5)

    assert (await meter.charge(caller, 1)).refused is not None
