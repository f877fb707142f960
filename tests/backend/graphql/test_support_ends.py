"""How support access ends: given back by its operator or by itself, and what it leaves behind."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from headgate_server.domain.ids import Kind, parse
from headgate_server.loops import support_grants as loop
from headgate_server.loops.loop import LoopContext
from headgate_server.settings import Timers
from headgate_server.tables.support_grants import support_grants
from tests.backend.graphql.test_closing import signed_in
from tests.backend.graphql.test_support_grants import (
    APPROVE,
    END,
    UPSERT,
    VIEWER,
    ask_for,
    slug_of,
    told,
    within,
)
from tests.factories.estates import Estate, make_estate
from tests.fixtures.browsers import Browser
from tests.fixtures.installations import Installation

pytestmark = pytest.mark.anyio

MINE = """{ operator { supportGrants(first: 5) { totalCount { value } nodes {
  id state organizationId organizationSlug organizationName role reason expiresAt } } } }"""
WITHDRAW = """mutation ($id: ID!) {
  supportGrantWithdraw(input: {id: $id}) { state errors { code } } }"""
MADE = """query ($id: ID!) { node(id: $id) { ... on Organization {
  supportGrants(first: 1) { nodes { state made { action kind id name } } }
  auditLog(first: 1) { nodes { action diff } } } } }"""
DELETE = """mutation ($id: ID!) { flowDelete(input: {id: $id}) { errors { code } } }"""


@pytest.fixture
async def operator(installation: Installation, other_estate: Estate) -> Browser:
    operators = other_estate
    return await signed_in(installation, operators, email="op@example.com", is_operator=True)


async def let_in(operator: Browser, estate: Estate, *, role: str = "VIEWER") -> str:
    id_ = (await ask_for(operator, estate, role=role))["supportGrant"]["id"]
    await told(estate, APPROVE, "supportGrantApprove", id=id_)
    return str(id_)


async def left(estate: Estate) -> Any:
    node = (await estate.wide.execute(MADE, id=estate.ids[Kind.ORGANIZATION])).data["node"]
    return node["supportGrants"]["nodes"][0], node["auditLog"]["nodes"][0]


async def test_operator_lists_what_they_asked_for_and_gives_it_back(
    installation: Installation, estate: Estate, operator: Browser
) -> None:
    slug = await slug_of(estate)
    id_ = await let_in(operator, estate)
    before = (await operator.execute(MINE)).data["operator"]["supportGrants"]

    done = (await operator.execute(WITHDRAW, id=id_)).data["supportGrantWithdraw"]

    after = (await operator.execute(MINE)).data["operator"]["supportGrants"]
    _, entry = await left(estate)
    (mine,) = before["nodes"]
    assert before["totalCount"] == {"value": 1}
    assert (mine["id"], mine["state"], mine["organizationSlug"]) == (id_, "ACTIVE", slug)
    assert mine["organizationId"] == estate.ids[Kind.ORGANIZATION]
    assert done == {"state": "ENDED", "errors": []}
    assert [one["state"] for one in after["nodes"]] == ["ENDED"]
    assert (await within(operator, slug, VIEWER)).status == 403
    assert entry["action"] == "support_grant.ended"


async def test_nobody_gives_back_what_another_operator_asked_for(
    installation: Installation, estate: Estate, operator: Browser
) -> None:
    id_ = await let_in(operator, estate)
    others = await make_estate(installation)
    other = await signed_in(installation, others, email="two@example.com", is_operator=True)

    by_other = (await other.execute(WITHDRAW, id=id_)).data["supportGrantWithdraw"]
    by_member = (await estate.wide.execute(WITHDRAW, id=id_)).data["supportGrantWithdraw"]
    listed = (await other.execute(MINE)).data["operator"]["supportGrants"]["nodes"]

    grant, _ = await left(estate)
    assert [by_other["errors"][0]["code"], by_member["errors"][0]["code"]] == [
        "NOT_FOUND",
        "FORBIDDEN",
    ]
    assert (listed, grant["state"]) == ([], "ACTIVE")


async def test_end_of_support_names_what_it_leaves_behind(
    estate: Estate, operator: Browser
) -> None:
    slug, place = await slug_of(estate), estate.ids[Kind.WORKSPACE]
    id_ = await let_in(operator, estate, role="DEVELOPER")
    made = await within(operator, slug, UPSERT, id=place)
    flow_id = made.data["flowUpsert"]["flow"]["id"]

    await told(estate, END, "supportGrantEnd", id=id_)

    grant, entry = await left(estate)
    assert grant == {
        "state": "ENDED",
        "made": [{"action": "flow.created", "kind": "flow", "id": flow_id, "name": "later"}],
    }
    assert entry["action"] == "support_grant.ended"
    (said,) = entry["diff"]["after"]["made"]
    assert said.startswith("flow later (")


async def test_what_support_deleted_again_is_not_left_behind(
    estate: Estate, operator: Browser
) -> None:
    slug = await slug_of(estate)
    await let_in(operator, estate, role="DEVELOPER")
    made = await within(operator, slug, UPSERT, id=estate.ids[Kind.WORKSPACE])
    await within(operator, slug, DELETE, id=made.data["flowUpsert"]["flow"]["id"])

    assert (await left(estate))[0]["made"] == []


async def test_support_that_ended_by_itself_is_told_of_once(
    installation: Installation, estate: Estate, operator: Browser
) -> None:
    slug = await slug_of(estate)
    id_ = parse(await let_in(operator, estate, role="DEVELOPER"), kind=Kind.SUPPORT_GRANT)
    await within(operator, slug, UPSERT, id=estate.ids[Kind.WORKSPACE])
    context = LoopContext(installation.database, installation.bus, Timers())
    early = await loop.run_once(context)
    async with installation.database.system() as work:
        await work.execute(
            update(support_grants)
            .where(support_grants.c.id == id_)
            .values(
                approved_at=support_grants.c.approved_at - timedelta(hours=1),
                expires_at=work.now,
            )
        )

    late, again = await loop.run_once(context), await loop.run_once(context)

    grant, entry = await left(estate)
    assert (early, late, again) == (0, 1, 0)
    assert (grant["state"], entry["action"]) == ("EXPIRED", "support_grant.expired")
    assert [said.split(" (")[0] for said in entry["diff"]["after"]["made"]] == ["flow later"]
