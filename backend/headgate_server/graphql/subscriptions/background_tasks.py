"""Pushes background tasks to workers, and their ends to whoever waits."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from typing import Annotated

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.background_tasks import Worker
from headgate_server.domain.permissions import Scope
from headgate_server.domain.tenancy import lacking
from headgate_server.graphql.context import needing
from headgate_server.graphql.mutations.background_tasks import check_worker_key
from headgate_server.graphql.mutations.flow_runs.inputs import workspace_id_of
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_subscription
from headgate_server.graphql.types.background_tasks import (
    BackgroundTask,
    BackgroundTaskOffer,
    show_offer,
    show_task,
)
from headgate_server.graphql.types.leases import parse_uuid


@strawberry.type(description="What a worker may start now.")
class BackgroundTaskWork:
    offers: list[BackgroundTaskOffer] = strawberry.field(
        description="In the order of their turns; none in the first, which says that the stream "
        "is open."
    )
    heartbeat_interval: timedelta = strawberry.field(
        description="How often to renew the leases of what was started."
    )


@strawberry.type
class BackgroundTaskSubscriptions:
    @scoped_subscription(
        requires=[Scope.RUNS_EXECUTE],
        description="Background tasks for a worker, each leased to it as it is told; never more "
        "than it has room for. What it does not start in time is offered again, to any worker.",
    )
    async def background_task_work(
        self,
        info: Info,
        workspace_id: Annotated[strawberry.ID, strawberry.argument(description="Where.")],
        worker_id: Annotated[
            strawberry.ID, strawberry.argument(description="A UUID made by the worker's process.")
        ],
        task_keys: Annotated[
            list[str], strawberry.argument(description="The tasks that it knows: 1 to 1,000.")
        ],
        limit: Annotated[
            int, strawberry.argument(description="How many it has at once: 1 to 1,000.")
        ] = 10,
    ) -> AsyncGenerator[BackgroundTaskWork, None]:
        context = info.context
        check_worker_key(context.principal)
        place = workspace_id_of(workspace_id)
        await context.enter(place)
        worker = Worker(
            id=parse_uuid(worker_id, path=["workerId"]), task_keys=tuple(task_keys), limit=limit
        )
        interval = timedelta(seconds=context.backend.timers.heartbeat_seconds)
        batches = context.backend.tails.background_tasks.offers(context.principal, place, worker)
        async with aclosing(batches):
            async for batch in batches:
                await context.enter(place)
                yield BackgroundTaskWork(
                    offers=[show_offer(row) for row in batch], heartbeat_interval=interval
                )

    @scoped_subscription(
        requires=ANY_CREDENTIAL,
        description="A background task as it is, then each change, until it is over: with "
        "RUNS_READ, or of one that a run has queued, with the run's own token.",
    )
    async def background_task_updates(
        self,
        info: Info,
        workspace_id: Annotated[strawberry.ID, strawberry.argument(description="Where.")],
        id: Annotated[strawberry.ID, strawberry.argument(description="Which.")],
    ) -> AsyncGenerator[BackgroundTask, None]:
        context = info.context
        grant = context.principal.run
        needed = frozenset({Scope.RUNS_EXECUTE if grant else Scope.RUNS_READ})
        missing = context.principal.missing_scopes(needed)
        if missing:
            raise lacking(missing)
        place = workspace_id_of(workspace_id)
        with needing(needed):
            await context.enter(place)
        updates = context.backend.tails.background_tasks.updates(
            context.principal,
            place,
            ids.parse(id, kind=ids.Kind.BACKGROUND_TASK),
            queued_by=grant.run_id if grant else None,
        )
        async with aclosing(updates):
            async for row in updates:
                with needing(needed):
                    await context.enter(place)
                yield show_task(row)
