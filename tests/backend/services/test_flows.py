"""Flows on a real database: upserted by name, tagged, listed, and kept apart by workspace."""

import asyncio

import pytest

from headgate_server.database.work import Database
from headgate_server.domain.errors import InvalidInput, NotFound
from headgate_server.domain.filters import FlowFilter, IdFilter, StringFilter, TagFilter
from headgate_server.domain.flows import Flow
from headgate_server.domain.ids import Kind, show
from headgate_server.domain.pagination import PageRequest
from headgate_server.services import flows
from tests.factories.events import recorded
from tests.factories.tenants import Tenant, make_tenant


async def make_flow(
    database: Database, tenant: Tenant, *, name: str, tags: list[str] | None = None
) -> Flow:
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        flow, _ = await flows.upsert_flow(work, name=name, tags=tags)
    return flow


async def test_upsert_creates_once_and_then_changes_nothing(database: Database) -> None:
    tenant = await make_tenant(database)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        first, is_first_new = await flows.upsert_flow(work, name="etl", tags=["b", "a"])
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        second, is_second_new = await flows.upsert_flow(work, name="etl", tags=["a", "b", "b"])

    assert (is_first_new, is_second_new) == (True, False)
    assert second == first
    assert first.version == 1
    assert first.created_by == tenant.owner.actor
    shown = show(Kind.FLOW, first.id)
    assert await recorded(database, tenant) == [("flow.created", shown, {"version": 1})]


async def test_upsert_with_other_tags_raises_the_version(database: Database) -> None:
    tenant = await make_tenant(database)
    first = await make_flow(database, tenant, name="etl", tags=["a", "b"])

    second = await make_flow(database, tenant, name="etl", tags=["b", "c"])
    third = await make_flow(database, tenant, name="etl")

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        assert await flows.get_many_tags(work, [first.id]) == {first.id: ("b", "c")}
    assert (second.id, second.version, third.version) == (first.id, 2, 2)
    assert (await recorded(database, tenant))[1:] == [
        ("flow.updated", show(Kind.FLOW, first.id), {"version": 2, "changed": ["tags"]})
    ]


async def test_upsert_of_a_known_flow_is_one_statement(
    database: Database, statements: list[str]
) -> None:
    tenant = await make_tenant(database)
    await make_flow(database, tenant, name="etl")
    statements.clear()

    await make_flow(database, tenant, name="etl")

    assert len([sql for sql in statements if "set_config" not in sql]) == 1


async def test_ten_upserts_at_once_make_one_flow(database: Database) -> None:
    tenant = await make_tenant(database)

    async def upsert() -> tuple[Flow, bool]:
        async with database.tenant(tenant.owner, tenant.workspace_id) as work:
            return await flows.upsert_flow(work, name="etl", tags=["a"])

    answers = await asyncio.gather(*(upsert() for _ in range(10)))

    assert len({flow.id for flow, _ in answers}) == 1
    assert sum(is_new for _, is_new in answers) == 1
    assert len(await recorded(database, tenant)) == 1


@pytest.mark.parametrize("name", ["", " etl", "a/b", "a\0b", "x" * 201])
async def test_bad_name_is_refused(database: Database, name: str) -> None:
    tenant = await make_tenant(database)

    with pytest.raises(InvalidInput):
        await make_flow(database, tenant, name=name)


async def test_flows_are_paged_by_name_in_both_directions(database: Database) -> None:
    tenant = await make_tenant(database)
    made = {name: await make_flow(database, tenant, name=name) for name in "dbcae"}
    key = ("c", made["c"].id)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        after = await flows.list_flows(work, page=PageRequest(size=1, key=key))
        before = await flows.list_flows(work, page=PageRequest(size=1, key=key, is_backward=True))
        last = await flows.list_flows(work, page=PageRequest(size=2, is_backward=True))
        whole = await flows.list_flows(work, page=PageRequest())

    assert [flow.name for flow in after.items] == ["d"]
    assert (after.has_next, after.has_previous) == (True, True)
    assert [flow.name for flow in before.items] == ["b"]
    assert (before.has_next, before.has_previous) == (True, True)
    assert [flow.name for flow in last.items] == ["d", "e"]
    assert (last.has_next, last.has_previous) == (False, True)
    assert [flow.name for flow in whole.items] == list("abcde")
    assert (whole.has_next, whole.has_previous) == (False, False)


async def test_filters_narrow_the_list_and_the_count(database: Database) -> None:
    tenant = await make_tenant(database)
    etl = await make_flow(database, tenant, name="Daily_ETL", tags=["a", "b"])
    report = await make_flow(database, tenant, name="daily%report", tags=["b"])
    other = await make_flow(database, tenant, name="hourly")
    cases: list[tuple[FlowFilter, list[Flow]]] = [
        (FlowFilter(name=StringFilter(starts_with="DAILY")), [etl, report]),
        (FlowFilter(name=StringFilter(contains="_")), [etl]),
        (FlowFilter(name=StringFilter(contains="%")), [report]),
        (FlowFilter(name=StringFilter(in_=("hourly", "weekly"))), [other]),
        (FlowFilter(tags=TagFilter(all_of=("a", "b"))), [etl]),
        (FlowFilter(tags=TagFilter(any_of=("a", "b"))), [etl, report]),
        (FlowFilter(tags=TagFilter(none_of=("a",))), [report, other]),
        (FlowFilter(tags=TagFilter(any_of=())), []),
        (FlowFilter(id=IdFilter(not_in=(etl.id,))), [report, other]),
        (FlowFilter(id=IdFilter(in_=())), []),
        (FlowFilter(not_=FlowFilter(tags=TagFilter(any_of=("b",)))), [other]),
        (
            FlowFilter(
                or_=(
                    FlowFilter(id=IdFilter(eq=other.id)),
                    FlowFilter(tags=TagFilter(all_of=("a",))),
                )
            ),
            [etl, other],
        ),
        (FlowFilter(and_=(FlowFilter(id=IdFilter(eq=other.id)), FlowFilter())), [other]),
        (FlowFilter(id=IdFilter(is_null=True)), []),
    ]

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        for filter_, expected in cases:
            page = await flows.list_flows(work, page=PageRequest(), filter=filter_)
            count = await flows.count_flows(work, filter=filter_)
            assert {flow.name for flow in page.items} == {flow.name for flow in expected}, filter_
            assert count == len(expected), filter_


async def test_count_stops_behind_its_cap(database: Database) -> None:
    tenant = await make_tenant(database)
    for name in "abcd":
        await make_flow(database, tenant, name=name)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        assert await flows.count_flows(work, cap=2) == 3
        assert await flows.count_flows(work, cap=4) == 4


async def test_flows_of_another_workspace_are_invisible(database: Database) -> None:
    tenant, other = await make_tenant(database), await make_tenant(database)
    foreign = await make_flow(database, other, name="etl", tags=["a"])

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        assert await flows.find_flow(work, id_=foreign.id) is None
        assert await flows.find_by_name(work, name="etl") is None
        assert await flows.get_many_flows(work, [foreign.id]) == {}
        assert await flows.get_many_tags(work, [foreign.id]) == {}
        assert (await flows.list_flows(work, page=PageRequest())).items == []
        assert await flows.count_flows(work) == 0
        with pytest.raises(NotFound):
            await flows.get_flow(work, id_=foreign.id)
        own, is_new = await flows.upsert_flow(work, name="etl")

    assert is_new
    assert own.id != foreign.id
    async with database.system(workspace_id=tenant.workspace_id) as work:
        assert (await flows.list_flows(work, page=PageRequest())).items == [own]


async def test_name_that_cannot_be_stored_is_not_found(database: Database) -> None:
    tenant = await make_tenant(database)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        for name in ("a\0b", "\ud800"):
            assert await flows.find_by_name(work, name=name) is None
            with pytest.raises(InvalidInput):
                await flows.list_flows(
                    work, page=PageRequest(), filter=FlowFilter(name=StringFilter(contains=name))
                )
