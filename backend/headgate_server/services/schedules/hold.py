"""Holding all schedules of a workspace that is stopped, and letting them go on."""

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.repositories import schedules
from headgate_server.services.schedules.upsert import remove_runs


async def hold_schedules(work: UnitOfWork) -> None:
    """Let no schedule of the workspace make runs, and remove those that nobody has taken up.

    Each keeps the first instant that has no run then. The caller has stopped the workspace in this
    transaction.
    """
    found = await schedules.lock_of_workspace(work)
    earliest = await schedules.first_unstarted(work)
    await remove_runs(work, list(earliest))
    firsts = {id_: (earliest.get(id_), next_at) for id_, next_at in found.items()}
    await schedules.hold(
        work,
        {id_: min(known) for id_, both in firsts.items() if (known := [at for at in both if at])},
    )


async def release_schedules(work: UnitOfWork) -> None:
    """Let the schedules go on from where they were held; their catch-up settles what was missed."""
    await schedules.release(work)
    work.wake(channels.SCHEDULER)
