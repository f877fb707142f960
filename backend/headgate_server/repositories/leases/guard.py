"""Checks a lease inside the transaction that writes under it."""

from uuid import UUID

from sqlalchemy import select

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.errors import LeaseLost, NotFound
from headgate_server.domain.leases import LeaseRef, Phase
from headgate_server.tables.flow_runs import flow_runs
from headgate_server.tables.work_pools import work_items


async def guard_lease(work: UnitOfWork, *, lease: LeaseRef, flow_run_id: UUID) -> None:
    """Hold a lease's row until the transaction ends, so that nobody reaps it meanwhile.

    Raises:
        LeaseLost: the token or the epoch is not the live one, or the run has ended.
        NotFound: the run written to is neither the lease's nor one below it.
    """
    found = await work.execute(
        select(work_items.c.epoch)
        .where(
            work_items.c.workspace_id == work.workspace_id,
            work_items.c.run_id == lease.run_id,
            work_items.c.token == lease.token,
            work_items.c.epoch == lease.epoch,
            work_items.c.phase.in_([Phase.CLAIMED, Phase.RUNNING]),
        )
        .with_for_update(read=True)
    )
    if found.one_or_none() is None:
        raise LeaseLost
    if lease.run_id == flow_run_id:
        return
    below = await work.execute(
        select(flow_runs.c.id).where(
            flow_runs.c.workspace_id == work.workspace_id,
            flow_runs.c.id == flow_run_id,
            flow_runs.c.root_run_id == lease.run_id,
        )
    )
    if below.one_or_none() is None:
        raise NotFound("No such flow run under this lease.", path=["flowRunId"])


async def guard_grant(work: UnitOfWork, *, run_id: UUID, epoch: int) -> None:
    """Hold the lease that a run's token stands for until the transaction ends.

    Raises:
        LeaseLost: the run has ended, or its lease is of another epoch by now.
    """
    found = await work.execute(
        select(work_items.c.epoch)
        .where(
            work_items.c.workspace_id == work.workspace_id,
            work_items.c.run_id == run_id,
            work_items.c.epoch == epoch,
            work_items.c.phase.in_([Phase.CLAIMED, Phase.RUNNING]),
        )
        .with_for_update(read=True)
    )
    if found.one_or_none() is None:
        raise LeaseLost


async def may_log(work: UnitOfWork, *, flow_run_id: UUID, granted_run_id: UUID) -> bool:
    """Whether the token of one run may append to the log of another: its own, or one below it."""
    if flow_run_id == granted_run_id:
        return True
    found = await work.execute(
        select(flow_runs.c.id).where(
            flow_runs.c.workspace_id == work.workspace_id,
            flow_runs.c.id == flow_run_id,
            flow_runs.c.root_run_id == granted_run_id,
        )
    )
    return found.one_or_none() is not None
