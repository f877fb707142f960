"""Items of backfills: what becomes of one whose run is started again by somebody."""

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.backfills import BackfillStatus
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.repositories import backfills
from headgate_server.services.events import record_change


async def follow_run(work: UnitOfWork, run: FlowRun) -> None:
    """Have a backfill's item go on with its locked run; a backfill that had ended ends anew.

    A cancelled backfill stays so. A run that an item has no more, for it was made another, is
    nobody's.
    """
    if "backfillId" not in (run.triggered_by or {}):
        return
    current = await backfills.lock_backfill_of(work, run_id=run.id)
    if current is None:
        return
    if not await backfills.follow_run(work, id_=current.id, run_id=run.id):
        return
    if current.status not in (BackfillStatus.FAILED, BackfillStatus.COMPLETED):
        return
    moved = await backfills.set_status(work, id_=current.id, status=BackfillStatus.RUNNING)
    await record_change(
        work,
        kind=ids.Kind.BACKFILL,
        id_=moved.id,
        name=moved.name,
        version=moved.version,
        changed=["status"],
        verb="reopened",
        before=current,
        after=moved,
    )
    work.wake(channels.SCHEDULER)
