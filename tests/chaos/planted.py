"""Servers with a bug: ``python -m tests.chaos.planted BUG api|scheduler …`` starts one.

Each bug is one that somebody could write, planted from here into a process of the product, to see
whether the checker finds what comes of it. ``SQL`` is what a bug takes in the database besides.
"""

import hashlib
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import TextClause, select, text

from headgate_server.database.work import UnitOfWork, bind_tenant
from headgate_server.domain.deployments import AgentLostPolicy
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.leases import Phase
from headgate_server.domain.schedules.schedule import Schedule
from headgate_server.domain.states import ProposedState, StateType, propose
from headgate_server.domain.transitions import policy, rules
from headgate_server.domain.transitions.facts import ACCEPT, Facts, Outcome, Verdict, rename
from headgate_server.repositories import due, idempotency_keys, pauses, schedules, statements
from headgate_server.repositories.flow_runs import read, transition
from headgate_server.repositories.flow_runs.rows import COLUMNS, to_flow_run
from headgate_server.repositories.idempotency_keys import KeyName
from headgate_server.services import idempotency_keys as idempotency
from headgate_server.services import pause_requests
from headgate_server.services.schedules import fire
from headgate_server.tables.events import idempotency_keys as key_table
from headgate_server.tables.flow_runs import flow_runs

Answer = dict[str, Any]

SQL = {
    "no_ledger_key": "alter table schedule_fires drop constraint pk_schedule_fires",
    "tenant_predicate_dropped": "alter table flow_runs disable row level security",
}


def without_rules(*names: str) -> None:
    """Judge proposals without some of the rules."""
    policy.POLICY = tuple(rule for rule in policy.POLICY if rule.__name__ not in names)


def with_rule(new: policy.Rule, *, instead_of: str = "") -> None:
    """Judge proposals with one rule more, before all others, or in the place of another."""
    if instead_of:
        policy.POLICY = tuple(new if one.__name__ == instead_of else one for one in policy.POLICY)
    else:
        policy.POLICY = (new, *policy.POLICY)


def rewrite(changes: dict[str, tuple[str, str]]) -> None:
    """Change a part of some of the statements under ``sql/``."""
    original = statements.named

    def named(name: str) -> TextClause:
        statement = original(name)
        if name not in changes:
            return statement
        before, after = changes[name]
        assert before in statement.text, f"{name} does not hold {before!r} any more"
        return text(statement.text.replace(before, after))

    statements.named = named
    for module in list(sys.modules.values()):
        if getattr(module, "named", None) is original:
            vars(module)["named"] = named


def no_epoch_check() -> None:
    """Whoever shows a lease may write."""
    without_rules("fenced")


def no_ledger_key() -> None:
    """Schedules are not locked, and the ledger takes an instant twice."""

    async def lock_due(work: UnitOfWork, *, until: Any, limit: int) -> list[Schedule]:
        table = schedules.schedules
        rows = await work.execute(
            select(table.c.id)
            .where(table.c.is_active, table.c.next_fire_at <= until)
            .order_by(table.c.next_fire_at)
            .limit(limit)
        )
        return await any_workspace(work, [row.id for row in rows])

    async def any_workspace(work: UnitOfWork, ids: list[UUID]) -> list[Schedule]:
        table = schedules.schedules
        rows = await work.execute(select(table).where(table.c.id.in_(ids)))
        return [schedules._schedule(row) for row in rows]  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - planted

    schedules.lock_due = lock_due


def reap_without_epoch() -> None:
    """A run that is taken back is handed out again in the same epoch."""
    rewrite(
        {
            "apply_transition": ("epoch = epoch + 1", "epoch = epoch"),
            "reap_offers": ("epoch = item.epoch + 1", "epoch = item.epoch"),
            "offer_runs": ("epoch = item.epoch + 1", "epoch = greatest(item.epoch, 1)"),
        }
    )


def double_finish() -> None:
    """A run that has ended may end again."""
    without_rules("duplicate", "fenced", "terminal", "edges")


def lost_outbox_row() -> None:
    """Some events leave the outbox and arrive nowhere."""
    ordered = "from (select * from taken order by id)"
    lossy = "from (select * from taken where id % 5 <> 0 order by id)"
    rewrite({"publish_outbox": (ordered, lossy)})


def late_without_guard() -> None:
    """Whoever sees a late run names it so, however often."""
    without_rules("late")

    async def end_late_episodes(work: UnitOfWork, run_ids: Sequence[UUID]) -> None:
        del work, run_ids

    due.end_late_episodes = end_late_episodes


def tenant_predicate_dropped() -> None:
    """Runs are found by their id alone."""

    async def get_many_flow_runs(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, FlowRun]:
        rows = await work.execute(select(*COLUMNS).where(flow_runs.c.id.in_(ids)))
        return {row.id: to_flow_run(row) for row in rows}

    read.get_many_flow_runs = get_many_flow_runs


def key_outside_the_transaction() -> None:
    """The effect is committed first, and the idempotency key after it."""

    async def once(
        work: UnitOfWork,
        *,
        operation: str,
        key: str | None,
        body: object,
        carry_out: Callable[[], Awaitable[Answer]],
    ) -> tuple[Answer, bool]:
        actor = f"{work.actor.kind}:{work.actor.id or ''}"
        column = key_table.c
        found = await work.execute(
            select(column.answer).where(column.actor == actor, column.key == (key or ""))
        )
        row = found.one_or_none()
        if row is not None:
            return row.answer, True
        answer = await carry_out()
        await work.connection.commit()
        await bind_tenant(work.connection, work.tenant_id, work.organization_id, work.actor.id)
        if key is not None:
            digest = hashlib.sha256(orjson.dumps(body, default=str)).hexdigest()
            name = KeyName(actor=actor, operation=operation, key=key)
            lifetime = idempotency.LIFETIME
            await idempotency_keys.claim(work, name, input_hash=digest, lifetime=lifetime)
            await idempotency_keys.set_answer(work, name, answer=answer)
        return answer, False

    idempotency.once = once


def cancel_lost() -> None:
    """Who cancels a run that executes is told that it is so, and nothing comes of it."""

    def cancel(facts: Facts, proposed: ProposedState) -> Verdict:
        if proposed.type is StateType.CANCELLING and facts.phase is Phase.RUNNING:
            return Verdict(Outcome.REPLAY, reason="Asked for before.")
        return ACCEPT

    with_rule(cancel)


def cancel_unheard() -> None:
    """No agent is told that a run of its is to be cancelled."""
    asked = "renewed.cancel_requested_at is not null as is_cancel_requested"
    rewrite(
        {
            "renew_leases": (asked, "false as is_cancel_requested"),
            "list_for_sessions": (
                "item.is_offer, item.cancel_requested_at,",
                "item.is_offer, cast(null as timestamptz) as cancel_requested_at,",
            ),
        }
    )


def started_early() -> None:
    """Runs are offered that are not due for a while."""
    due, early = (
        "item.due_at <= :now",
        "item.due_at <= cast(:now as timestamptz) + interval '1 min'",
    )
    rewrite({"offer_runs": (due, early)})


def crash_runs_again() -> None:
    """What a deployment says of lost agents is not looked at."""

    def infrastructure(facts: Facts, proposed: ProposedState) -> Verdict:
        again = replace(facts, on_agent_lost=AgentLostPolicy.RETRY, infrastructure_retries=3)
        return rules.infrastructure(again, proposed)

    with_rule(infrastructure, instead_of="infrastructure")


def retries_uncounted() -> None:
    """How often a run was started again is not looked at."""

    def infrastructure(facts: Facts, proposed: ProposedState) -> Verdict:
        return rules.infrastructure(replace(facts, infrastructure_attempts=0), proposed)

    def retry(facts: Facts, proposed: ProposedState) -> Verdict:
        return rules.retry(replace(facts, retries_used=0), proposed)

    with_rule(infrastructure, instead_of="infrastructure")
    with_rule(retry, instead_of="retry")


def ledger_without_runs() -> None:
    """Some instants are entered in the ledger, and the run of none of them is made."""
    create = fire._create  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - planted

    async def some(work: UnitOfWork, wanted: Sequence[Any]) -> Counter[UUID]:
        return await create(work, [one for one in wanted if one[1].expected_start.second % 4])

    fire._create = some  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - planted


def told_by_another_name() -> None:
    """The events of all transitions have one name."""

    def event_word(state_name: str) -> str:
        del state_name
        return "changed"

    transition.event_word = event_word


def failure_completes() -> None:
    """A run whose code raised has completed."""

    def complete(facts: Facts, proposed: ProposedState) -> Verdict:
        del facts
        if proposed.type is not StateType.FAILED:
            return ACCEPT
        return rename(propose(StateType.COMPLETED), reason="It is over.")

    with_rule(complete)


def late_unseen() -> None:
    """Nobody looks for runs that are late."""
    rewrite({"list_late": ("late_due_at <= :now", "late_due_at <= :now and false")})


def old_answers() -> None:
    """Each replica remembers how a run was when it saw it first."""
    original = read.get_many_flow_runs
    seen: dict[UUID, FlowRun] = {}

    async def get_many_flow_runs(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, FlowRun]:
        found = await original(work, ids)
        return {id_: seen.setdefault(id_, run) for id_, run in found.items()}

    read.get_many_flow_runs = get_many_flow_runs


def limit_forgotten() -> None:
    """Deployments with a limit are offered as if nothing of theirs were held."""
    rewrite(
        {
            "list_limited": ("held.phase <> 'READY'", "held.phase = 'NONE'"),
            "read_rooms": ("held.phase <> 'READY'", "held.phase = 'NONE'"),
        }
    )


def answer_without_a_look() -> None:
    """A pause that was answered takes another answer, whatever the run does meanwhile."""
    without_rules("resume", "edges")

    async def get_many_waiting(work: UnitOfWork, flow_run_ids: Sequence[UUID]) -> dict[UUID, Any]:
        found = await pauses.get_many_of_runs(work, flow_run_ids)
        return {run_id: asked[-1] for run_id, asked in found.items() if asked}

    pauses.get_many_waiting = get_many_waiting


def pause_lost() -> None:
    """Who has a run pause is told that it is so, and nothing comes of it."""

    async def request_pause(work: UnitOfWork, *, run_id: UUID, wish: object) -> FlowRun:
        del wish
        return (await pause_requests.lock_known_run(work, run_id)).run

    pause_requests.request_pause = request_pause


BUGS: dict[str, Callable[[], None]] = {
    bug.__name__: bug
    for bug in (
        no_epoch_check,
        no_ledger_key,
        reap_without_epoch,
        double_finish,
        lost_outbox_row,
        late_without_guard,
        tenant_predicate_dropped,
        key_outside_the_transaction,
        cancel_lost,
        cancel_unheard,
        started_early,
        crash_runs_again,
        retries_uncounted,
        ledger_without_runs,
        told_by_another_name,
        failure_completes,
        late_unseen,
        old_answers,
        limit_forgotten,
        answer_without_a_look,
        pause_lost,
    )
}


def main(arguments: list[str]) -> None:
    """Plant the bug before anything else of the product is imported, and start the server."""
    bug, *rest = arguments
    BUGS[bug]()
    from headgate_server.commands import main as start  # noqa: PLC0415 - it holds on to what it finds

    start(rest)


if __name__ == "__main__":
    main(sys.argv[1:])
