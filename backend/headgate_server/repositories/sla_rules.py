"""SLA rules: their rows, what breaks them, and the violations that were found."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, case, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.durations import RunOwner
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.domain.sla_rules import (
    Breach,
    NewSlaRule,
    SlaKind,
    SlaRule,
    SlaViolation,
)
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.repositories import pages
from headgate_server.repositories.sla_breaches import Pace
from headgate_server.repositories.statements import named
from headgate_server.tables.sla_rules import sla_rules, sla_violations

_MS = timedelta(milliseconds=1)
OWNERS = {RunOwner.FLOW: sla_rules.c.flow_id, RunOwner.DEPLOYMENT: sla_rules.c.deployment_id}


async def insert_rule(work: UnitOfWork, new: NewSlaRule) -> SlaRule | None:
    """Store a rule that is judged from now on; None when the workspace has one of this name."""
    statement = (
        insert(sla_rules)
        .values(
            workspace_id=work.workspace_id,
            id=ids.new_id(),
            name=new.name,
            kind=new.kind.value,
            within_ms=new.within // _MS,
            deployment_id=new.deployment_id,
            flow_id=new.flow_id,
            is_enabled=new.is_enabled,
            judged_at=work.now,
            due_at=work.now if new.is_enabled else None,
            created_by_kind=work.actor.kind.value,
            created_by_id=work.actor.id,
            created_by_name=work.actor.display_name,
            created_at=work.now,
            updated_at=work.now,
        )
        .on_conflict_do_nothing(index_elements=["workspace_id", "name"])
        .returning(sla_rules)
    )
    row = (await work.execute(statement)).one_or_none()
    return _rule(row) if row is not None else None


async def lock_rule(work: UnitOfWork, id_: UUID) -> SlaRule | None:
    """Return a rule that nobody changes or judges until the transaction ends."""
    statement = _own(work).where(sla_rules.c.id == id_).with_for_update()
    row = (await work.execute(statement)).one_or_none()
    return _rule(row) if row is not None else None


async def find_by_name(work: UnitOfWork, name: str) -> SlaRule | None:
    """Return the rule of a name."""
    row = (await work.execute(_own(work).where(sla_rules.c.name == name))).one_or_none()
    return _rule(row) if row is not None else None


async def update_rule(work: UnitOfWork, rule: SlaRule, changes: dict[str, Any]) -> SlaRule:
    """Change a locked rule and raise its version.

    One that is enabled is judged from now on: no run before counts, nor does the time without any.
    Where one allows less, what has begun kept it as it was, but what still waits is judged anew.
    """
    values = dict(changes)
    if "within" in values:
        within = values.pop("within")
        values["within_ms"] = within // _MS
        if within < rule.within:
            since = rule.judged_at - rule.within
            values["waiting_from"] = min(rule.waiting_from or since, since)
    is_enabled = values.get("is_enabled", rule.is_enabled)
    values["due_at"] = work.now if is_enabled else None
    if is_enabled and not rule.is_enabled:
        values |= {"judged_at": work.now, "waiting_from": None}
        values |= {"counted_at": work.now, "counted_run_id": None}
    statement = (
        update(sla_rules)
        .where(sla_rules.c.workspace_id == work.workspace_id, sla_rules.c.id == rule.id)
        .values(**values, version=sla_rules.c.version + 1, updated_at=work.now)
        .returning(sla_rules)
    )
    return _rule((await work.execute(statement)).one())


async def delete_rule(work: UnitOfWork, id_: UUID) -> None:
    """Delete a locked rule with its violations."""
    await work.execute(
        delete(sla_rules).where(
            sla_rules.c.workspace_id == work.workspace_id, sla_rules.c.id == id_
        )
    )


async def get_many(work: UnitOfWork, wanted: Sequence[UUID]) -> dict[UUID, SlaRule]:
    """Return those of the rules that exist, by id."""
    rows = await work.execute(_own(work).where(sla_rules.c.id.in_(wanted)))
    return {row.id: _rule(row) for row in rows}


async def list_rules(
    work: UnitOfWork, *, page: PageRequest, owner: tuple[RunOwner, UUID] | None
) -> Page[SlaRule]:
    """Return a page of rules by name: of the workspace, or of a flow or a deployment."""
    sort = pages.by(sla_rules.c.name, sla_rules.c.id)
    return await pages.read(work, _owned(work, owner), sort=sort, page=page, make=_rule)


async def count_rules(work: UnitOfWork, *, owner: tuple[RunOwner, UUID] | None, cap: int) -> int:
    """Return how many rules there are, up to ``cap + 1``."""
    return await pages.count(work, _owned(work, owner), cap=cap)


async def list_due_workspaces(work: UnitOfWork, *, most: int) -> list[UUID]:
    """Return workspaces with rules that are due, for the system."""
    due = (
        select(sla_rules.c.workspace_id)
        .where(sla_rules.c.due_at.is_not(None), sla_rules.c.due_at <= work.now)
        .order_by(sla_rules.c.due_at)
        .limit(most)
    )
    return list(dict.fromkeys((await work.execute(due)).scalars()))


async def lock_due(work: UnitOfWork, *, most: int) -> list[SlaRule]:
    """Return rules of the workspace that are due and that nobody else judges, locked."""
    statement = (
        _own(work)
        .where(sla_rules.c.due_at.is_not(None), sla_rules.c.due_at <= work.now)
        .order_by(sla_rules.c.due_at, sla_rules.c.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return [_rule(row) for row in await work.execute(statement)]


async def set_judged(
    work: UnitOfWork, wanted: Sequence[UUID], *, at: datetime, due_at: datetime
) -> None:
    """Note up to when locked rules were judged, and when they are due again.

    Those that were judged up to a later instant stay so.
    """
    await work.execute(
        update(sla_rules)
        .where(sla_rules.c.workspace_id == work.workspace_id, sla_rules.c.id.in_(wanted))
        .values(
            judged_at=func.greatest(sla_rules.c.judged_at, at), due_at=due_at, waiting_from=None
        )
    )


async def set_unfinished(work: UnitOfWork, wanted: Sequence[UUID]) -> None:
    """Have locked rules judged again at once, from where they were."""
    await work.execute(
        update(sla_rules)
        .where(sla_rules.c.workspace_id == work.workspace_id, sla_rules.c.id.in_(wanted))
        .values(due_at=work.now)
    )


async def set_counted(work: UnitOfWork, paces: Sequence[Pace]) -> None:
    """Note the latest runs that count for locked rules, in one statement."""
    if paces:
        await work.execute(
            named("set_counted_runs"),
            {
                "workspace_id": work.workspace_id,
                "ids": [pace.rule_id for pace in paces],
                "run_ids": [pace.flow_run_id for pace in paces],
                "ats": [pace.at for pace in paces],
            },
        )


async def insert_violations(
    work: UnitOfWork, breaches: Sequence[Breach], *, are_over: bool
) -> list[SlaViolation]:
    """Store violations and return those that are new; one that had ended may begin again."""
    if not breaches:
        return []
    key = ["workspace_id", "rule_id", "key"]
    added = insert(sla_violations).values(
        [
            {
                "workspace_id": work.workspace_id,
                "id": ids.new_id(),
                "rule_id": breach.rule_id,
                "key": breach.key,
                "flow_run_id": breach.flow_run_id,
                "since": breach.since,
                "violated_at": breach.violated_at,
                "found_at": work.now,
                "ended_at": work.now if are_over else None,
            }
            for breach in breaches
        ]
    )
    statement = (
        added.on_conflict_do_nothing(index_elements=key)
        if are_over
        else added.on_conflict_do_update(
            index_elements=key,
            set_={
                "since": added.excluded.since,
                "violated_at": added.excluded.violated_at,
                "ended_at": None,
                "found_at": work.now,
            },
            where=sla_violations.c.ended_at.is_not(None),
        )
    )
    rows = await work.execute(statement.returning(sla_violations))
    return [_violation(row) for row in rows]


async def end_violations(
    work: UnitOfWork,
    judged: Sequence[UUID],
    *,
    but: Sequence[Breach],
    kept_at: Mapping[UUID, datetime],
) -> list[SlaViolation]:
    """End what is open of judged rules but for what is still so; return what was ended.

    Args:
        work: the unit of work.
        judged: the rules.
        but: what is still so.
        kept_at: by rule, when its promise was kept last: what was violated before ended then, and
            anything else now.
    """
    own = sla_violations.c
    ended_at: ColumnElement[Any] = literal(work.now)
    if kept_at:
        kept = case(kept_at, value=own.rule_id, else_=work.now)
        ended_at = case((kept > own.violated_at, func.least(kept, work.now)), else_=work.now)
    statement = (
        update(sla_violations)
        .where(
            own.workspace_id == work.workspace_id,
            own.rule_id.in_(judged),
            own.ended_at.is_(None),
            *(~((own.rule_id == breach.rule_id) & (own.key == breach.key)) for breach in but),
        )
        .values(ended_at=ended_at)
        .returning(sla_violations)
    )
    return [_violation(row) for row in await work.execute(statement)]


async def list_violations(
    work: UnitOfWork, *, page: PageRequest, rule_id: UUID | None, is_open: bool | None
) -> Page[SlaViolation]:
    """Return a page of violations, the latest first."""
    sort = pages.Sort((sla_violations.c.violated_at, sla_violations.c.id), is_descending=True)
    statement = _violations(work, rule_id, is_open=is_open)
    return await pages.read(work, statement, sort=sort, page=page, make=_violation)


async def count_violations(
    work: UnitOfWork, *, rule_id: UUID | None, is_open: bool | None, cap: int
) -> int:
    """Return how many violations there are, up to ``cap + 1``."""
    return await pages.count(work, _violations(work, rule_id, is_open=is_open), cap=cap)


def _own(work: UnitOfWork) -> Select[Any]:
    return select(sla_rules).where(sla_rules.c.workspace_id == work.workspace_id)


def _owned(work: UnitOfWork, owner: tuple[RunOwner, UUID] | None) -> Select[Any]:
    statement = _own(work)
    return statement if owner is None else statement.where(OWNERS[owner[0]] == owner[1])


def _violations(work: UnitOfWork, rule_id: UUID | None, *, is_open: bool | None) -> Select[Any]:
    own = sla_violations.c
    statement = select(sla_violations).where(own.workspace_id == work.workspace_id)
    if rule_id is not None:
        statement = statement.where(own.rule_id == rule_id)
    if is_open is not None:
        ended = own.ended_at.is_(None) if is_open else own.ended_at.is_not(None)
        statement = statement.where(ended)
    return statement


def _rule(row: Row[Any]) -> SlaRule:
    return SlaRule(
        workspace_id=row.workspace_id,
        id=row.id,
        name=row.name,
        kind=SlaKind(row.kind),
        within=row.within_ms * _MS,
        deployment_id=row.deployment_id,
        flow_id=row.flow_id,
        is_enabled=row.is_enabled,
        judged_at=row.judged_at,
        version=row.version,
        created_by=Actor(ActorKind(row.created_by_kind), row.created_by_id, row.created_by_name),
        created_at=row.created_at,
        updated_at=row.updated_at,
        counted_at=row.counted_at,
        counted_run_id=row.counted_run_id,
        waiting_from=row.waiting_from,
    )


def _violation(row: Row[Any]) -> SlaViolation:
    return SlaViolation(
        workspace_id=row.workspace_id,
        id=row.id,
        rule_id=row.rule_id,
        flow_run_id=row.flow_run_id,
        since=row.since,
        violated_at=row.violated_at,
        found_at=row.found_at,
        ended_at=row.ended_at,
    )
