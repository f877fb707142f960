"""What breaks SLA rules: the runs that did, and the latest that count."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.sla_rules import Breach, SlaKind, SlaRule
from headgate_server.repositories.statements import named
from headgate_server.tables.flow_runs import flow_runs

_MS = timedelta(milliseconds=1)
_RUN_QUERIES = {SlaKind.LATENESS: "judge_late_runs", SlaKind.DURATION: "judge_long_runs"}
_AHEAD = timedelta(days=1)
"""More than the clocks of those who say when a run ended are ahead."""
OVERLAP = timedelta(minutes=1)
"""So much from before a rule was judged is read again, for what was being written just then."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The latest run of a rule that counts, and when it started or completed.

    None where none of the latest runs counts.
    """

    rule_id: UUID
    flow_run_id: UUID | None
    at: datetime | None


async def find_end_of(work: UnitOfWork, rules: Sequence[SlaRule], *, most: int) -> datetime | None:
    """Return until when so many runs have ended since rules were judged; None where fewer have."""
    since = min(rule.judged_at for rule in rules) - OVERLAP
    ended = flow_runs.c.ended_at
    statement = (
        select(ended)
        .where(flow_runs.c.workspace_id == work.workspace_id, ended > since)
        .order_by(ended)
        .offset(most - 1)
        .limit(1)
    )
    return (await work.execute(statement)).scalar_one_or_none()


async def find_breaches(
    work: UnitOfWork,
    rules: Sequence[SlaRule],
    *,
    kind: SlaKind,
    most: int,
    ended_until: datetime | None = None,
) -> list[Breach]:
    """Return runs that broke rules of one kind and are not known to have, in one statement.

    Args:
        work: the unit of work.
        rules: of the kind.
        kind: one of runs.
        most: how many at most, of all rules together.
        ended_until: where runs are judged as they have ended, those until then; None is all.
    """
    within = {rule.id: rule.within for rule in rules}
    rows = await work.execute(
        named(_RUN_QUERIES[kind]),
        {
            **_places(work, rules),
            "within_ms": [rule.within // _MS for rule in rules],
            "judged_ats": [rule.judged_at for rule in rules],
            "waiting_froms": [rule.waiting_from for rule in rules],
            "ended_until": ended_until or work.now + _AHEAD,
            "most": most,
        },
    )
    return [
        Breach(
            rule_id=row.rule_id,
            key=row.key,
            flow_run_id=row.flow_run_id,
            since=row.since,
            violated_at=row.since + within[row.rule_id],
        )
        for row in rows
    ]


async def read_paces(work: UnitOfWork, rules: Sequence[SlaRule], *, kind: SlaKind) -> list[Pace]:
    """Return the latest run that counts for each rule of one kind, in one statement."""
    rows = await work.execute(
        named("judge_paces"),
        {
            **_places(work, rules),
            "judged_ats": [rule.judged_at for rule in rules],
            "are_first": [rule.judged_at == rule.created_at for rule in rules],
            "is_of_completed": kind is SlaKind.FRESHNESS,
        },
    )
    return [Pace(row.rule_id, row.flow_run_id, row.at) for row in rows]


def _places(work: UnitOfWork, rules: Sequence[SlaRule]) -> dict[str, object]:
    return {
        "workspace_id": work.workspace_id,
        "ids": [rule.id for rule in rules],
        "deployment_ids": [rule.deployment_id for rule in rules],
        "flow_ids": [rule.flow_id for rule in rules],
        "now": work.now,
    }
