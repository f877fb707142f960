"""Published events on a real database: by time, within a workspace."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from headgate_server.database.work import Database
from headgate_server.domain.events import NewEvent
from headgate_server.domain.filters import EventFilter, StringFilter, TimeFilter
from headgate_server.domain.ids import new_id
from headgate_server.domain.pagination import PageRequest
from headgate_server.services import events
from headgate_server.tables.events import events as table
from tests.factories.events import recorded
from tests.factories.tenants import Tenant, make_tenant

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


async def publish(database: Database, tenant: Tenant, *, count: int, first: int = 1) -> None:
    """Publish events a minute apart, every two at the same time."""
    async with database.system(workspace_id=tenant.workspace_id) as work:
        for sequence in range(first, first + count):
            await work.execute(
                insert(table).values(
                    workspace_id=tenant.workspace_id,
                    sequence=sequence,
                    occurred_at=NOON + (sequence // 2) * MINUTE,
                    id=new_id(),
                    name="flow.created" if sequence % 2 else "flow.updated",
                    resource_id=f"flow_{sequence}",
                    resource={"id": f"flow_{sequence}"},
                    payload={"version": 1},
                    related=[{"kind": "workspace"}],
                )
            )


async def test_events_are_listed_latest_first_in_pages(database: Database) -> None:
    tenant = await make_tenant(database)
    await publish(database, tenant, count=5)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        first = await events.list_events(work, page=PageRequest(size=3))
        last = first.items[-1]
        key = (last.occurred_at, last.sequence)
        rest = await events.list_events(work, page=PageRequest(key=key))
        oldest = await events.list_events(work, page=PageRequest(size=1), is_ascending=True)

    assert [event.sequence for event in first.items] == [5, 4, 3]
    assert [event.sequence for event in rest.items] == [2, 1]
    assert [event.sequence for event in oldest.items] == [1]
    assert (last.name, last.resource, last.payload, last.related) == (
        "flow.created",
        {"id": "flow_3"},
        {"version": 1},
        ({"kind": "workspace"},),
    )


async def test_events_are_filtered_and_counted(database: Database) -> None:
    tenant = await make_tenant(database)
    await publish(database, tenant, count=5)
    cases = [
        (EventFilter(name=StringFilter(starts_with="flow.u")), [4, 2]),
        (EventFilter(resource_id=StringFilter(in_=("flow_1", "flow_9"))), [1]),
        (EventFilter(occurred=TimeFilter(gte=NOON + MINUTE, lt=NOON + 2 * MINUTE)), [3, 2]),
    ]

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        for filter_, expected in cases:
            page = await events.list_events(work, page=PageRequest(), filter=filter_)
            assert [event.sequence for event in page.items] == expected
            assert await events.count_events(work, filter=filter_) == len(expected)


async def test_events_of_another_workspace_are_invisible(database: Database) -> None:
    tenant, other = await make_tenant(database), await make_tenant(database)
    await publish(database, other, count=2)

    for opened in (
        database.tenant(tenant.owner, tenant.workspace_id),
        database.system(workspace_id=tenant.workspace_id),
    ):
        async with opened as work:
            assert (await events.list_events(work, page=PageRequest())).items == []
            assert await events.count_events(work) == 0


async def test_many_events_are_recorded_in_order_and_wake_the_publisher(
    database: Database,
) -> None:
    tenant = await make_tenant(database)
    new = [
        NewEvent(name="flow.created", resource_id=f"flow_{number}", resource={}, payload={})
        for number in range(1500)
    ]

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        await events.record_events(work, [])
        assert work.wakes == set()
        await events.record_events(work, new)
        assert work.wakes == {"outbox"}

    found = await recorded(database, tenant)
    assert [resource_id for _, resource_id, _ in found] == [event.resource_id for event in new]
