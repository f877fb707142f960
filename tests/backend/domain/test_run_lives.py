"""Whole lives of a run, step by step at random, held against a model that knows no rules.

The machine plays what the database does with the effects of a decision: the work item, its epoch,
the attempts. The model is a picture of nine places and says where each step leads; where it leads
nowhere, the rules must refuse, and nothing changes. ``RUN_LIVES=5000`` makes so many, and longer.
Epochs are made here, too: test_orchestration_lives.py holds those that the database makes.
"""

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from headgate_server.domain.deployments import AgentLostPolicy
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.ids import new_id
from headgate_server.domain.leases import Phase
from headgate_server.domain.states import ProposedState, StateType, propose
from headgate_server.domain.tenancy import SYSTEM
from headgate_server.domain.transitions.effects import (
    Effects,
    ItemEffect,
    consequences,
    end_of_process,
    end_of_tasks,
)
from headgate_server.domain.transitions.facts import Facts, Outcome, Proposer
from headgate_server.domain.transitions.pauses import RESUMING, SUSPENDED
from headgate_server.domain.transitions.policy import judge

LIVES = int(os.environ.get("RUN_LIVES", "150"))
STEPS = 30 if LIVES <= 150 else 50
NOW = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
RETRIES, RESTARTS = 2, 1
SLOT = "AwaitingConcurrencySlot"
ENDS = (StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED)
OVER = frozenset(type_.value for type_ in ENDS)
HELD = frozenset({"CLAIMED", "RUNNING", "RETRYING", "PAUSED", "CANCELLING"})


@dataclass(frozen=True, slots=True)
class Item:
    """What of a work item decides: who holds it, and since which offer."""

    phase: Phase = Phase.READY
    epoch: int = 0
    is_cancel_requested: bool = False


def made() -> FlowRun:
    fields: dict[str, Any] = dict.fromkeys(FlowRun.__dataclass_fields__)
    fields |= {
        "id": new_id(),
        "state_type": StateType.SCHEDULED,
        "state_name": "Scheduled",
        "state_sequence": 1,
        "attempt": 0,
        "retries_used": 0,
        "infrastructure_attempts": 0,
        "created_by": SYSTEM,
    }
    return FlowRun(**fields)


class RunLives(RuleBasedStateMachine):
    """One run of a deployment, its holders of now and of before, and the model of where it is."""

    def __init__(self) -> None:
        super().__init__()
        self.run, self.clock = made(), NOW
        self.item: Item | None = Item()
        self.last_epoch = 0
        self.held_epochs: list[int] = []
        self.open_attempts = 0
        self.starts = 0
        self.place = "WAITING"
        self.waits_as: str | None = None
        self.model_retries = 0
        self.model_restarts = 0
        self.on_agent_lost = AgentLostPolicy.CRASH

    def facts(self, by: Proposer, epoch: int | None) -> Facts:
        """Return what is so of the run as somebody proposes a state for it."""
        item = self.item
        return Facts(
            now=NOW,
            current_type=self.run.state_type,
            current_name=self.run.state_name,
            proposer=by,
            phase=item.phase if item else None,
            is_lease_valid=item is not None
            and item.phase is not Phase.READY
            and epoch == item.epoch,
            is_cancel_requested=item is not None and item.is_cancel_requested,
            retries_used=self.run.retries_used,
            on_agent_lost=self.on_agent_lost,
            infrastructure_attempts=self.run.infrastructure_attempts,
            infrastructure_retries=RESTARTS,
        )

    def take(
        self,
        state: ProposedState,
        *,
        by: Proposer,
        to: str | None,
        epoch: int | None = None,
        is_rerun: bool = False,
        is_resume: bool = False,
        is_forced: bool = False,
        is_correction: bool = False,
        is_repeated: bool = False,
        waits_as: str | None = None,
    ) -> None:
        """Propose a state, and hold what comes of it against what the model says.

        Args:
            state: what is proposed.
            by: on whose behalf.
            to: where it leads, which may be where the run is; None where it is refused.
            epoch: of the lease that is shown.
            is_rerun: whether a person starts an ended run again.
            is_resume: whether a pause is answered.
            is_forced: whether a person skips the rules that protect a run.
            is_correction: whether they say why, so that they may correct an end.
            is_repeated: whether it was asked for before, and is answered as it was.
            waits_as: how a run that waits from then on came to it.
        """
        known = replace(
            self.facts(by, epoch),
            is_forced=is_forced,
            is_rerun=is_rerun,
            is_resume=is_resume,
            is_correction=is_correction,
        )
        decision = judge(known, state)
        told = (self.place, self.waits_as, state.name, to, decision.outcome, decision.reason)
        assert (decision.outcome is Outcome.REJECT) == (to is None), told
        assert (decision.outcome is Outcome.REPLAY) == is_repeated, told
        if to is None or is_repeated:
            return
        self.clock += timedelta(seconds=1)
        effects = consequences(self.run, decision, has_item=self.item is not None, at=self.clock)
        if self.place in OVER and to in OVER:
            assert effects.ended_at == self.run.ended_at
            assert (effects.item, effects.closes_attempt) == (ItemEffect.KEEP, False)
            assert end_of_process(decision) is end_of_tasks(decision) is None
        self.apply(decision.state, effects)
        self.place = to
        self.waits_as = waits_as if to == "WAITING" else None

    def apply(self, state: ProposedState, effects: Effects) -> None:
        """Do what the database does with an accepted state."""
        self.run = replace(
            self.run,
            state_type=state.type,
            state_name=state.name,
            state_sequence=self.run.state_sequence + 1,
            attempt=effects.attempt,
            retries_used=effects.retries_used,
            infrastructure_attempts=effects.infrastructure_attempts,
            ended_at=effects.ended_at,
        )
        self.open_attempts += effects.opens_attempt
        self.starts += effects.opens_attempt
        if effects.closes_attempt:
            self.open_attempts = 0
        item = self.item
        if effects.item is ItemEffect.CREATE:
            self.item = Item(epoch=self.last_epoch + 1)
        elif item is not None and effects.item is ItemEffect.FINISH:
            self.last_epoch, self.item = max(self.last_epoch, item.epoch), None
        elif item is not None and effects.item is ItemEffect.REQUEUE:
            self.item = Item(epoch=item.epoch + 1)
        elif item is not None and effects.item in {ItemEffect.CLAIM, ItemEffect.START}:
            is_claim = effects.item is ItemEffect.CLAIM
            self.item = replace(item, phase=Phase.CLAIMED if is_claim else Phase.RUNNING)
        elif item is not None and state.type is StateType.CANCELLING:
            self.item = replace(item, is_cancel_requested=True)

    @property
    def epoch(self) -> int | None:
        return self.item.epoch if self.item else None

    @initialize(steps=st.integers(0, 3), policy=st.sampled_from(AgentLostPolicy))
    def begin(self, steps: int, policy: AgentLostPolicy) -> None:
        self.on_agent_lost = policy
        self.go_on(steps)

    @rule(steps=st.integers(1, 3))
    def advance(self, steps: int) -> None:
        self.go_on(steps)

    def go_on(self, steps: int) -> None:
        """Do what is done next with a run that nobody disturbs."""
        for _ in range(steps):
            next_step = {"WAITING": self.offer, "OFFERED": self.claim}.get(self.place, self.start)
            next_step()

    @rule()
    def offer(self) -> None:
        if self.item is not None and self.item.phase is Phase.READY:
            self.item = replace(self.item, phase=Phase.OFFERED, epoch=self.item.epoch + 1)
            self.held_epochs.append(self.item.epoch)
            self.place = "OFFERED"

    @rule()
    def claim(self) -> None:
        to = "CLAIMED" if self.place == "OFFERED" else None
        self.take(propose(StateType.PENDING), by=Proposer.HOLDER, to=to, epoch=self.epoch)

    @rule()
    def start(self) -> None:
        to = "RUNNING" if self.place in {"CLAIMED", "RETRYING", "PAUSED"} else None
        self.take(propose(StateType.RUNNING), by=Proposer.HOLDER, to=to, epoch=self.epoch)

    @rule()
    def complete(self) -> None:
        to = {
            "RUNNING": "COMPLETED",
            "PAUSED": "COMPLETED",
            "CANCELLING": "CANCELLED",
        }.get(self.place)
        self.take(propose(StateType.COMPLETED), by=Proposer.HOLDER, to=to, epoch=self.epoch)

    @rule(wants_retries=st.booleans(), gives_back=st.booleans(), steps=st.integers(0, 1))
    def fail(self, *, wants_retries: bool, gives_back: bool, steps: int) -> None:
        limit = RETRIES if wants_retries else 0
        details = {"retry": {"limit": limit, "delaySeconds": 0, "givesBack": gives_back}}
        to = {"CLAIMED": "FAILED", "CANCELLING": "CANCELLED"}.get(self.place)
        if self.place in {"RUNNING", "PAUSED"}:
            may_retry = wants_retries and self.model_retries < RETRIES
            to = ("WAITING" if gives_back else "RETRYING") if may_retry else "FAILED"
            self.model_retries += may_retry
        failed = propose(StateType.FAILED, details=details)
        self.take(failed, by=Proposer.HOLDER, to=to, epoch=self.epoch)
        self.go_on(steps)

    @rule()
    def pause(self) -> None:
        to = "PAUSED" if self.place == "RUNNING" else None
        self.take(propose(StateType.PAUSED), by=Proposer.HOLDER, to=to, epoch=self.epoch)

    @rule()
    def suspend(self) -> None:
        to = "SUSPENDED" if self.place == "RUNNING" else None
        suspended = propose(StateType.PAUSED, name=SUSPENDED)
        self.take(suspended, by=Proposer.HOLDER, to=to, epoch=self.epoch)

    @rule(type_=st.sampled_from([StateType.RUNNING, StateType.SCHEDULED]))
    def resume(self, type_: StateType) -> None:
        leads = {("PAUSED", StateType.RUNNING): "RUNNING"}
        leads["SUSPENDED", StateType.SCHEDULED] = "WAITING"
        name = RESUMING if type_ is StateType.SCHEDULED else None
        to = leads.get((self.place, type_))
        self.take(propose(type_, name=name), by=Proposer.PERSON, to=to, is_resume=True)

    @rule()
    def be_late(self) -> None:
        is_new = self.place == "WAITING" and self.waits_as != "Late"
        late = propose(StateType.SCHEDULED, name="Late")
        to = "WAITING" if is_new else None
        self.take(late, by=Proposer.SYSTEM, to=to, waits_as="Late")

    @rule(by=st.sampled_from([Proposer.SYSTEM, Proposer.PERSON]))
    def wait_for_a_slot(self, by: Proposer) -> None:
        is_new = self.place == "WAITING" and self.waits_as != SLOT
        to = "WAITING" if is_new and by is Proposer.SYSTEM else None
        self.take(propose(StateType.SCHEDULED, name=SLOT), by=by, to=to, waits_as=SLOT)

    @rule()
    def collide_as_the_newer(self) -> None:
        """Be cancelled as it comes due, for those that were there already."""
        if self.place == "WAITING":
            self.take(propose(StateType.CANCELLED), by=Proposer.SYSTEM, to="CANCELLED")

    @rule()
    def collide_as_the_older(self) -> None:
        """Be cancelled for one that came later, through its process where there is one."""
        to = {"RUNNING": "CANCELLING", "RETRYING": "CANCELLING", "PAUSED": "CANCELLING"}.get(
            self.place, None if self.place in OVER | {"CANCELLING"} else "CANCELLED"
        )
        self.take(propose(StateType.CANCELLING), by=Proposer.SYSTEM, to=to)

    @rule()
    def be_due_now(self) -> None:
        """Be started at once by a person, however long it was to wait, unless it has begun."""
        to = "WAITING" if self.place in {"WAITING", "OFFERED"} else None
        self.take(propose(StateType.SCHEDULED), by=Proposer.PERSON, to=to)

    @rule()
    def cancel(self) -> None:
        to = {"RUNNING": "CANCELLING", "RETRYING": "CANCELLING", "PAUSED": "CANCELLING"}.get(
            self.place, None if self.place in OVER - {"CANCELLED"} else "CANCELLED"
        )
        is_repeated = self.place in {"CANCELLING", "CANCELLED"}
        if is_repeated:
            to = self.place
        cancelling = propose(StateType.CANCELLING)
        self.take(cancelling, by=Proposer.PERSON, to=to, is_repeated=is_repeated)

    @rule()
    def force_cancel(self) -> None:
        to = None if self.place in OVER else "CANCELLED"
        self.take(propose(StateType.CANCELLED), by=Proposer.PERSON, to=to, is_forced=True)

    @rule(type_=st.sampled_from(ENDS), is_reasoned=st.booleans())
    def correct_the_end(self, type_: StateType, *, is_reasoned: bool) -> None:
        """Call a run that is over another end, by force and for a reason."""
        is_other = self.place in OVER and self.place != type_.value
        if self.place in OVER:
            to = type_.value if is_reasoned and is_other else None
            self.take(
                propose(type_),
                by=Proposer.PERSON,
                to=to,
                is_forced=True,
                is_correction=is_reasoned,
            )

    @rule()
    def confirm_cancel(self) -> None:
        to = "CANCELLED" if self.place in HELD | {"OFFERED"} else None
        self.take(propose(StateType.CANCELLED), by=Proposer.HOLDER, to=to, epoch=self.epoch)

    @rule()
    def expire_pause(self) -> None:
        to = "FAILED" if self.place == "SUSPENDED" else None
        if self.place in {"PAUSED", "SUSPENDED"}:
            is_waiting = self.place == "PAUSED"
            type_ = StateType.RUNNING if is_waiting else StateType.FAILED
            to = "RUNNING" if is_waiting else to
            self.take(propose(type_), by=Proposer.SYSTEM, to=to, is_resume=is_waiting)

    @rule()
    def crash(self) -> None:
        to = "CRASHED" if self.place in HELD | {"OFFERED"} else None
        if self.place == "CANCELLING":
            to = "CANCELLED"
        may_restart = self.on_agent_lost is AgentLostPolicy.RETRY and self.model_restarts < RESTARTS
        if to == "CRASHED" and may_restart:
            self.model_restarts += 1
            to = "WAITING"
        self.take(propose(StateType.CRASHED), by=Proposer.HOLDER, to=to, epoch=self.epoch)

    @rule()
    def retry(self) -> None:
        to = "WAITING" if self.place in OVER else None
        if to is not None:
            self.model_retries = self.model_restarts = 0
        self.take(propose(StateType.SCHEDULED), by=Proposer.PERSON, to=to, is_rerun=True)

    @rule(type_=st.sampled_from(StateType), data=st.data())
    def write_under_a_dead_lease(self, type_: StateType, data: st.DataObject) -> None:
        dead = [epoch for epoch in self.held_epochs if epoch != self.epoch]
        if dead:
            epoch = data.draw(st.sampled_from(dead))
            self.take(propose(type_), by=Proposer.HOLDER, to=None, epoch=epoch)

    @invariant()
    def only_what_is_over_or_suspended_holds_nothing(self) -> None:
        assert (self.item is None) == (self.place in OVER | {"SUSPENDED"})

    @invariant()
    def no_two_attempts_are_alive_and_each_start_is_counted(self) -> None:
        assert self.open_attempts <= 1
        assert self.run.attempt == self.starts
        if self.place in OVER | {"SUSPENDED"}:
            assert self.open_attempts == 0

    @invariant()
    def retries_and_restarts_are_counted_apart(self) -> None:
        assert self.run.retries_used == self.model_retries <= RETRIES
        assert self.run.infrastructure_attempts == self.model_restarts <= RESTARTS

    @invariant()
    def the_run_is_where_the_model_says(self) -> None:
        types = {
            "WAITING": StateType.SCHEDULED,
            "OFFERED": StateType.SCHEDULED,
            "CLAIMED": StateType.PENDING,
            "RUNNING": StateType.RUNNING,
            "RETRYING": StateType.SCHEDULED,
            "PAUSED": StateType.PAUSED,
            "SUSPENDED": StateType.PAUSED,
            "CANCELLING": StateType.CANCELLING,
        }
        assert self.run.state_type is types.get(self.place, StateType(self.run.state_type))
        if self.place in OVER:
            assert self.run.state_type.value == self.place


TestRunLives = RunLives.TestCase
TestRunLives.settings = settings(max_examples=LIVES, stateful_step_count=STEPS, deadline=None)
