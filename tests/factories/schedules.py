"""A database at a set time with one deployment: a scene for what schedules do."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update

from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.deployments import Deployment
from headgate_server.domain.ids import new_id
from headgate_server.domain.schedules.schedule import Schedule, ScheduleRequest
from headgate_server.domain.schedules.specs import CronSpec, IntervalSpec
from headgate_server.services import deployments, work_pools
from headgate_server.services.deployments import DeploymentChanges
from headgate_server.services.schedules import fire, read, upsert
from headgate_server.tables.flow_runs import flow_runs
from headgate_server.tables.flows import schedule_fires
from headgate_server.tables.work_pools import work_items
from tests.factories.databases import Hands, held
from tests.factories.tenants import Tenant, make_tenant

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
HORIZON = timedelta(minutes=15)
EVERY_5 = ScheduleRequest(slug="five", spec=IntervalSpec(5 * MINUTE, NOON))
HOURLY = ScheduleRequest(slug="hourly", spec=CronSpec("0 * * * *"))


@dataclass
class Scene:
    """A database whose time the test sets, with one tenant and one deployment."""

    database: Database
    hands: Hands
    tenant: Tenant
    deployment: Deployment

    def work(self) -> AbstractAsyncContextManager[UnitOfWork]:
        return self.database.tenant(self.tenant.owner, self.tenant.workspace_id)

    async def put(
        self, wanted: ScheduleRequest, *, expected_version: int | None = None
    ) -> Schedule:
        async with self.work() as work:
            made, _ = await upsert.upsert_schedule(
                work,
                deployment_id=self.deployment.id,
                wanted=wanted,
                expected_version=expected_version,
            )
        return made

    async def change(self, changes: DeploymentChanges) -> None:
        async with self.work() as work:
            await deployments.upsert_deployment(
                work, flow_name="etl", name="prod", lease=timedelta(seconds=90), changes=changes
            )

    async def pause(self, *, is_paused: bool = True) -> None:
        async with self.work() as work:
            await deployments.set_paused(work, id_=self.deployment.id, is_paused=is_paused)

    async def tick(self, *, minutes: float = 0, limit: int = 50) -> int:
        assert self.hands.at is not None
        self.hands.at += minutes * MINUTE
        async with self.database.system() as work:
            return await fire.materialise(work, horizon=HORIZON, limit=limit)

    async def starts(self) -> list[str]:
        async with self.database.system() as work:
            rows = await work.execute(
                select(flow_runs.c.expected_start).order_by(flow_runs.c.expected_start)
            )
            return [f"{at:%H:%M}" for at in rows.scalars()]

    async def ledger(self) -> list[tuple[str, str]]:
        async with self.database.system() as work:
            rows = await work.execute(
                select(schedule_fires.c.fire_at, schedule_fires.c.outcome).order_by(
                    schedule_fires.c.fire_at
                )
            )
            return [(f"{row.fire_at:%H:%M}", row.outcome) for row in rows]

    async def schedule(self, id_: UUID) -> Schedule:
        async with self.work() as work:
            found = await read.find_schedule(work, id_=id_)
        assert found is not None
        return found

    async def take_up(self, start: datetime) -> None:
        """Claim the run of an instant, as an agent would."""
        async with self.database.system() as work:
            await work.execute(
                update(work_items)
                .where(work_items.c.due_at == start)
                .values(phase="CLAIMED", token=new_id(), epoch=1, fence_until=work.now + HOUR)
            )
            await work.execute(
                update(flow_runs)
                .where(flow_runs.c.expected_start == start)
                .values(state_type="PENDING", state_name="Pending")
            )


async def make_deployment(database: Database, tenant: Tenant, *, pool: str = "p") -> Deployment:
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        await work_pools.upsert_work_pool(work, name=pool, type_="process")
        made, _ = await deployments.upsert_deployment(
            work,
            flow_name="etl",
            name="prod",
            lease=timedelta(seconds=90),
            changes=DeploymentChanges(work_pool_name=pool, parameters={"size": 3, "kind": "x"}),
        )
    return made


@asynccontextmanager
async def set_scene(urls: DatabaseUrls) -> AsyncGenerator[Scene]:
    hands = Hands(timedelta())
    hands.at = NOON
    async with held(urls, hands) as database:
        tenant = await make_tenant(database)
        yield Scene(database, hands, tenant, await make_deployment(database, tenant))
