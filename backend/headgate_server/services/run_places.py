"""Of which run and task run a report is: found, and guarded by the lease of the run."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.errors import Forbidden, InvalidInput, NotFound
from headgate_server.domain.tenancy import RunGrant
from headgate_server.repositories.leases.guard import guard_grant, may_log
from headgate_server.repositories.task_runs import get_many_task_runs
from headgate_server.services.flow_runs.read import get_flow_run


@dataclass(frozen=True, slots=True)
class RunPlace:
    """A flow run, and a task run of it; or none of both."""

    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None

    def related(self) -> tuple[dict[str, Any], ...]:
        """Return both as what had a part in an event."""
        found = (
            (ids.Kind.FLOW_RUN, "flow_run", self.flow_run_id),
            (ids.Kind.TASK_RUN, "task_run", self.task_run_id),
        )
        return tuple(
            {"id": ids.show(kind, id_), "kind": noun, "role": noun}
            for kind, noun, id_ in found
            if id_ is not None
        )


async def find_place(work: UnitOfWork, place: RunPlace, *, grant: RunGrant | None) -> RunPlace:
    """Return a place that the caller may report of, with the flow run of its task run.

    Args:
        work: the unit of work.
        place: as it was said; a run's token need not say its own run.
        grant: the run token shown; None for an actor with the right to report of any run.

    Raises:
        NotFound: no such run, or no such task run in it.
        InvalidInput: a task run of another flow run.
        Forbidden: a run's token, for another run.
        LeaseLost: a run's token whose lease is lost.
    """
    flow_run_id = place.flow_run_id
    if place.task_run_id is not None:
        found = (await get_many_task_runs(work, [place.task_run_id])).get(place.task_run_id)
        if found is None:
            raise NotFound("No such task run, or you may not see it.", path=["taskRunId"])
        if flow_run_id not in {None, found.flow_run_id}:
            raise InvalidInput("This task run is of another flow run.", path=["taskRunId"])
        flow_run_id = found.flow_run_id
    if grant is not None:
        flow_run_id = flow_run_id or grant.run_id
        await guard_place(work, flow_run_id=flow_run_id, grant=grant)
    elif flow_run_id is not None:
        await get_flow_run(work, flow_run_id)
    return RunPlace(flow_run_id, place.task_run_id)


async def guard_place(work: UnitOfWork, *, flow_run_id: UUID, grant: RunGrant) -> None:
    """Go on only for the token's own run or one below it, while its lease is held.

    Raises:
        Forbidden: another run.
        LeaseLost: the lease is lost, or the run has ended.
    """
    if not await may_log(work, flow_run_id=flow_run_id, granted_run_id=grant.run_id):
        raise Forbidden("A run's token reports of that run only.")
    await guard_grant(work, run_id=grant.run_id, epoch=grant.epoch)
