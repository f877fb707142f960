"""Why a background task is not running: the whole chain, with what would end each cause."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.blocker_rules import COUNT_CAP
from headgate_server.domain.blockers import Blocker, BlockerCode, Standing
from headgate_server.domain.task_blockers import TaskStanding, find_task_blockers
from headgate_server.repositories import blockers, task_blockers
from headgate_server.services.blockers import MOST_HOLDERS


async def list_task_blockers(
    work: UnitOfWork, id_: UUID, *, silent_for: timedelta
) -> list[Blocker]:
    """Return why a call is not running; nothing where it runs, is over, or is taken at once.

    One statement, one more where it has tags or a worker has begun with it, and two more where
    somebody holds what it waits for.

    Args:
        work: the unit of work.
        id_: which.
        silent_for: after such a silence a worker does not count as there.
    """
    row = await task_blockers.read_standing(work, id_, silent_for=silent_for, cap=COUNT_CAP)
    if row is None:
        return []
    standing = Standing(now=work.now, row=row)
    if TaskStanding(standing).is_started:
        waits = await blockers.list_waits(work, task_id=id_)
        standing = replace(standing, waits=waits)
    elif row["tags"] and row["due_at"] <= work.now:
        limits = await task_blockers.list_tag_limits(work, row["tags"])
        full = [one for one in limits if one.taken + one.ahead + one.slots > one.limit]
        standing = replace(standing, waits=full)
    found = find_task_blockers(TaskStanding(standing))
    if not any(one.code in _HELD for one in found):
        return found
    held = await task_blockers.list_held(
        work, task_key=row["task_key"], silent_for=silent_for, most=MOST_HOLDERS
    )
    holders = await blockers.list_holders(
        work, _NO_PLACE, limit_ids=[one.id for one in standing.waits], most=MOST_HOLDERS
    )
    return find_task_blockers(TaskStanding(replace(standing, holders=holders), held))


_NO_PLACE: Mapping[str, None] = dict.fromkeys(("deployment_id", "work_pool_id", "work_queue_id"))
_HELD = frozenset({BlockerCode.GLOBAL_LIMIT, BlockerCode.TAG_LIMIT, BlockerCode.NO_ROOM})
