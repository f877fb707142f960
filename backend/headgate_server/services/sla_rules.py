"""SLA rules: created, changed, deleted and read; a loop judges them and tells who broke them."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.changes import changed, check_version, given
from headgate_server.domain.durations import RunOwner
from headgate_server.domain.errors import Conflict, LimitExceeded, NotFound
from headgate_server.domain.events import NewEvent
from headgate_server.domain.pagination import COUNT_CAP, Page, PageRequest
from headgate_server.domain.sla_rules import (
    MAX_RULES,
    Breach,
    NewSlaRule,
    SlaKind,
    SlaRule,
    SlaRuleChanges,
    SlaViolation,
    check_rule,
    check_within,
)
from headgate_server.repositories import sla_breaches, sla_rules
from headgate_server.repositories.sla_breaches import Pace
from headgate_server.services import deployments, flows
from headgate_server.services.events import record_change, record_events

RULES_AT_ONCE = 200
BREACHES_AT_ONCE = 1_000
ENDED_AT_ONCE = 3_000
"""So many runs that have ended are held against all rules in one statement: it ends in time."""
EVERY = timedelta(seconds=15)
"""How long after a rule was judged it is due again."""

list_due_workspaces = sla_rules.list_due_workspaces


async def create_rule(work: UnitOfWork, new: NewSlaRule) -> SlaRule:
    """Store a rule; what single runs did before is not held against anybody.

    Raises:
        InvalidInput: a bad name or length of time, or not one of a deployment and a flow.
        NotFound: no such deployment or flow.
        Conflict: there is a rule of this name.
        LimitExceeded: the workspace has as many as it may.
    """
    check_rule(new)
    await _check_owner(work, new)
    await _check_room(work)
    made = await sla_rules.insert_rule(work, new)
    if made is None:
        raise await _taken(work, new.name)
    await _record(work, made, before=None)
    return made


async def update_rule(
    work: UnitOfWork,
    *,
    id_: UUID,
    changes: SlaRuleChanges,
    expected_version: int | None = None,
) -> SlaRule:
    """Change a rule; what is so already changes nothing. One that is enabled begins anew.

    One that is switched off is broken no more, and that is told.

    Raises:
        InvalidInput: a bad length of time.
        NotFound: it is in another workspace, or does not exist.
        VersionConflict: it is not of the expected version.
    """
    current = await _lock(work, id_, expected_version)
    differing = changed(current, given(changes))
    if "within" in differing:
        check_within(differing["within"])
    if not differing:
        return current
    made = await sla_rules.update_rule(work, current, differing)
    await _record(work, made, before=current, changed_fields=sorted(differing))
    if not made.is_enabled:
        ended = await sla_rules.end_violations(work, [id_], but=[], kept_at={})
        await _tell(work, {id_: made}, ended, verb="recovered")
    return made


async def delete_rule(work: UnitOfWork, *, id_: UUID, expected_version: int | None = None) -> None:
    """Delete a rule with its violations; the events that told of them stay.

    Raises:
        NotFound: it is in another workspace, or does not exist.
        VersionConflict: it is not of the expected version.
    """
    current = await _lock(work, id_, expected_version)
    await sla_rules.delete_rule(work, id_)
    await record_change(
        work,
        kind=ids.Kind.SLA_RULE,
        id_=id_,
        name=current.name,
        version=current.version,
        changed=None,
        verb="deleted",
        before=current,
    )


async def judge_rules(work: UnitOfWork) -> int:
    """Judge the rules of a workspace that are due, a batch of them; how many were judged.

    The rules are locked, and a violation is stored once, with the event that tells of it in the
    same transaction: any number of schedulers tell of each once. Where more is broken than is
    stored at once, or more has ended than is read, rules go on at once from where they are.
    """
    rules = await sla_rules.lock_due(work, most=RULES_AT_ONCE)
    kinds: defaultdict[SlaKind, list[SlaRule]] = defaultdict(list)
    for rule in rules:
        kinds[rule.kind].append(rule)
    for kind, alike in kinds.items():
        by_id = {rule.id: rule for rule in alike}
        if kind.is_of_runs:
            await _judge_runs(work, by_id, kind=kind)
        else:
            await _judge_paces(work, by_id, kind=kind)
            await sla_rules.set_judged(work, list(by_id), at=work.now, due_at=work.now + EVERY)
    return len(rules)


async def _judge_runs(work: UnitOfWork, rules: dict[UUID, SlaRule], *, kind: SlaKind) -> None:
    alike, until = list(rules.values()), None
    if kind is SlaKind.DURATION:
        until = await sla_breaches.find_end_of(work, alike, most=ENDED_AT_ONCE)
    breaches = await sla_breaches.find_breaches(
        work, alike, kind=kind, most=BREACHES_AT_ONCE, ended_until=until
    )
    await _tell(work, rules, await sla_rules.insert_violations(work, breaches, are_over=True))
    if len(breaches) >= BREACHES_AT_ONCE:
        await sla_rules.set_unfinished(work, list(rules))
    elif until is not None:
        at = min(work.now, until + sla_breaches.OVERLAP)
        await sla_rules.set_judged(work, list(rules), at=at, due_at=work.now)
    else:
        await sla_rules.set_judged(work, list(rules), at=work.now, due_at=work.now + EVERY)


async def _judge_paces(work: UnitOfWork, rules: dict[UUID, SlaRule], *, kind: SlaKind) -> None:
    broken: list[Breach] = []
    found: list[Pace] = []
    kept_at: dict[UUID, datetime] = {}
    for pace in await sla_breaches.read_paces(work, list(rules.values()), kind=kind):
        rule = rules[pace.rule_id]
        # The latest that counts may lie behind all that are looked at: it is remembered.
        at, run_id = rule.counted_at, rule.counted_run_id
        if pace.at is not None and (at is None or pace.at > at):
            at, run_id = pace.at, pace.flow_run_id
            found.append(pace)
        since = at or rule.created_at
        kept_at[rule.id] = since
        if since + rule.within <= work.now:
            key = "none" if run_id is None else str(run_id)
            broken.append(Breach(rule.id, key, run_id, since, violated_at=since + rule.within))
    await sla_rules.set_counted(work, found)
    ended = await sla_rules.end_violations(work, list(rules), but=broken, kept_at=kept_at)
    made = await sla_rules.insert_violations(work, broken, are_over=False)
    await _tell(work, rules, ended, verb="recovered")
    await _tell(work, rules, made)


async def _tell(
    work: UnitOfWork,
    rules: dict[UUID, SlaRule],
    violations: Sequence[SlaViolation],
    *,
    verb: str = "violated",
) -> None:
    await record_events(
        work, [_event(rules[violation.rule_id], violation, verb) for violation in violations]
    )


def _event(rule: SlaRule, violation: SlaViolation, verb: str) -> NewEvent:
    shown = ids.show(ids.Kind.SLA_RULE, rule.id)
    related = [
        {"id": ids.show(kind, id_), "kind": kind.name.lower()}
        for kind, id_ in (
            (ids.Kind.DEPLOYMENT, rule.deployment_id),
            (ids.Kind.FLOW, rule.flow_id),
            (ids.Kind.FLOW_RUN, violation.flow_run_id),
        )
        if id_ is not None
    ]
    return NewEvent(
        name=f"sla_rule.{verb}",
        resource_id=shown,
        resource={"id": shown, "kind": "sla_rule", "name": rule.name},
        payload={
            "violation": ids.show(ids.Kind.SLA_VIOLATION, violation.id),
            "kind": rule.kind.value,
            "withinSeconds": rule.within.total_seconds(),
            "since": violation.since.isoformat(),
            "violatedAt": violation.violated_at.isoformat(),
        },
        related=tuple(related),
    )


async def get_many_rules(work: UnitOfWork, wanted: Sequence[UUID]) -> dict[UUID, SlaRule]:
    """Return those of the rules that are in the workspace, by id."""
    return await sla_rules.get_many(work, wanted)


async def list_rules(
    work: UnitOfWork, *, page: PageRequest, owner: tuple[RunOwner, UUID] | None = None
) -> Page[SlaRule]:
    """Return a page of rules: the page key is ``(name, id)``."""
    return await sla_rules.list_rules(work, page=page, owner=owner)


async def count_rules(
    work: UnitOfWork, *, owner: tuple[RunOwner, UUID] | None = None, cap: int = COUNT_CAP
) -> int:
    """Return how many rules there are; ``cap + 1`` stands for more than ``cap``."""
    return await sla_rules.count_rules(work, owner=owner, cap=cap)


async def list_violations(
    work: UnitOfWork,
    *,
    page: PageRequest,
    rule_id: UUID | None = None,
    is_open: bool | None = None,
) -> Page[SlaViolation]:
    """Return a page of violations, the latest first: the page key is ``(violated_at, id)``."""
    return await sla_rules.list_violations(work, page=page, rule_id=rule_id, is_open=is_open)


async def count_violations(
    work: UnitOfWork,
    *,
    rule_id: UUID | None = None,
    is_open: bool | None = None,
    cap: int = COUNT_CAP,
) -> int:
    """Return how many violations there are; ``cap + 1`` stands for more than ``cap``."""
    return await sla_rules.count_violations(work, rule_id=rule_id, is_open=is_open, cap=cap)


async def _check_owner(work: UnitOfWork, new: NewSlaRule) -> None:
    if new.deployment_id is not None:
        if not await deployments.get_many_deployments(work, [new.deployment_id]):
            raise NotFound("No such deployment, or you may not see it.", path=["deploymentId"])
    elif new.flow_id is not None and not await flows.get_many_flows(work, [new.flow_id]):
        raise NotFound("No such flow, or you may not see it.", path=["flowId"])


async def _check_room(work: UnitOfWork) -> None:
    current = await sla_rules.count_rules(work, owner=None, cap=MAX_RULES)
    if current >= MAX_RULES:
        raise LimitExceeded(
            f"A workspace has at most {MAX_RULES:,} SLA rules; delete some, or promise something "
            "of a whole flow instead of each deployment.",
            limit=MAX_RULES,
            current=MAX_RULES,
        )


async def _taken(work: UnitOfWork, name: str) -> Conflict:
    other = await sla_rules.find_by_name(work, name)
    return Conflict(
        f"There is an SLA rule {name} already; give this one another name.",
        path=["name"],
        existing_id=ids.show(ids.Kind.SLA_RULE, other.id) if other else None,
    )


async def _lock(work: UnitOfWork, id_: UUID, expected_version: int | None) -> SlaRule:
    current = await sla_rules.lock_rule(work, id_)
    if current is None:
        raise NotFound
    check_version(current.version, expected=expected_version)
    return current


async def _record(
    work: UnitOfWork,
    rule: SlaRule,
    *,
    before: SlaRule | None,
    changed_fields: Sequence[str] | None = None,
) -> None:
    await record_change(
        work,
        kind=ids.Kind.SLA_RULE,
        id_=rule.id,
        name=rule.name,
        version=rule.version,
        changed=changed_fields,
        before=before,
        after=rule,
    )
    work.wake(channels.SCHEDULER)
