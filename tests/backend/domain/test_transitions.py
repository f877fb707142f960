"""The rules, without a database: what each proposal becomes, and what holds for all of them."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate_server.domain.deployments import AgentLostPolicy
from headgate_server.domain.leases import Phase
from headgate_server.domain.states import NAMES, StateType, is_allowed, propose
from headgate_server.domain.transitions.facts import Facts, Outcome, Proposer
from headgate_server.domain.transitions.policy import POLICY, judge, replay

NOW = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def facts(type_: StateType, **more: object) -> Facts:
    base = {
        "now": NOW,
        "current_type": type_,
        "current_name": NAMES[type_][0],
        "proposer": Proposer.HOLDER,
        "phase": Phase.RUNNING,
        "is_lease_valid": True,
    }
    return Facts(**{**base, **more})  # type: ignore[arg-type]  # fields by name


any_type = st.sampled_from(StateType)
any_facts = st.builds(
    Facts,
    now=st.just(NOW),
    current_type=any_type,
    current_name=st.sampled_from(["Scheduled", "Late", "AwaitingRetry", "Running"]),
    proposer=st.sampled_from(Proposer),
    phase=st.one_of(st.none(), st.sampled_from(Phase)),
    is_lease_valid=st.booleans(),
    is_duplicate=st.booleans(),
    is_forced=st.booleans(),
    has_pool=st.booleans(),
    is_rerun=st.booleans(),
    is_resume=st.booleans(),
    is_agent_lost=st.booleans(),
    is_undeliverable=st.booleans(),
    is_lease_expired=st.booleans(),
    is_cancel_requested=st.booleans(),
    retries_used=st.integers(0, 3),
    on_agent_lost=st.sampled_from(AgentLostPolicy),
    infrastructure_attempts=st.integers(0, 4),
    infrastructure_retries=st.integers(0, 4),
)
any_proposal = st.builds(
    propose,
    any_type,
    details=st.one_of(
        st.just(dict[str, object]()),
        st.just({"retry": {"limit": 2, "delaySeconds": 1}}),
        st.just({"retry": "often"}),
        st.just({"retry": {"limit": "two", "delaySeconds": -1}}),
    ),
)


@given(any_facts, any_proposal)
def test_whatever_is_accepted_follows_an_edge(known: Facts, proposed: object) -> None:
    decision = judge(known, proposed)  # type: ignore[arg-type]  # built above

    if decision.outcome in {Outcome.ACCEPT, Outcome.RENAME}:
        is_edge = is_allowed(known.current_type, decision.state.type)
        is_forced = known.is_forced and not known.current_type.is_terminal
        assert is_edge or (
            is_forced
            and (decision.state.type.is_terminal or decision.state.type is StateType.SCHEDULED)
        )


@given(any_facts, any_proposal)
def test_nothing_leaves_a_terminal_state_but_a_rerun(known: Facts, proposed: object) -> None:
    decision = judge(known, proposed)  # type: ignore[arg-type]  # built above

    if known.current_type.is_terminal and decision.outcome in {Outcome.ACCEPT, Outcome.RENAME}:
        assert known.is_rerun
        assert decision.state.type is StateType.SCHEDULED


@given(any_facts, any_proposal)
def test_no_holder_writes_under_a_dead_lease(known: Facts, proposed: object) -> None:
    decision = judge(known, proposed)  # type: ignore[arg-type]  # built above

    if known.proposer is Proposer.HOLDER and not known.is_lease_valid:
        assert decision.outcome in {Outcome.REJECT, Outcome.REPLAY}


@given(any_facts, any_proposal)
def test_a_stored_decision_replays_to_its_verdict(known: Facts, proposed: object) -> None:
    decision = judge(known, proposed)  # type: ignore[arg-type]  # built above
    stored = msgspec.json.decode(msgspec.json.encode(decision.to_json()))

    again = replay(stored)

    assert again.outcome is decision.outcome
    assert (again.state.type, again.state.name) == (decision.state.type, decision.state.name)
    assert again.trail == decision.trail


@given(any_facts, any_proposal)
def test_the_trail_names_the_rules_in_order_up_to_the_one_that_ended_it(
    known: Facts, proposed: object
) -> None:
    decision = judge(known, proposed)  # type: ignore[arg-type]  # built above

    names = [name for name, _ in decision.trail]
    assert names == [rule.__name__ for rule in POLICY][: len(names)]
    if decision.outcome in {Outcome.ACCEPT, Outcome.RENAME}:
        assert len(names) == len(POLICY)


@pytest.mark.parametrize("phase", [None, Phase.READY, Phase.OFFERED, Phase.CLAIMED])
def test_a_cancel_before_user_code_starts_ends_the_run(phase: Phase | None) -> None:
    known = facts(StateType.SCHEDULED, phase=phase, proposer=Proposer.PERSON)

    decision = judge(known, propose(StateType.CANCELLING))

    assert decision.state.type is StateType.CANCELLED


def test_a_cancel_of_a_running_run_waits_for_its_holder() -> None:
    known = facts(StateType.RUNNING, proposer=Proposer.PERSON)

    decision = judge(known, propose(StateType.CANCELLING))

    assert (decision.outcome, decision.state.type) == (Outcome.ACCEPT, StateType.CANCELLING)


def test_a_run_being_cancelled_may_not_start_again() -> None:
    known = facts(
        StateType.SCHEDULED, current_name="AwaitingRetry", retries_used=1, is_cancel_requested=True
    )

    decision = judge(known, propose(StateType.RUNNING))

    assert (decision.outcome, decision.code) == (Outcome.REJECT, "ILLEGAL_TRANSITION")


def test_a_failure_with_retries_left_waits_until_its_delay_is_over() -> None:
    failed = propose(StateType.FAILED, details={"retry": {"limit": 2, "delaySeconds": 90}})

    decision = judge(facts(StateType.RUNNING, retries_used=1), failed)

    assert (decision.state.type, decision.state.name) == (StateType.SCHEDULED, "AwaitingRetry")
    assert decision.state.details == {"retryAt": "2026-03-29T01:01:30+00:00"}


def test_a_failure_without_retries_left_fails() -> None:
    failed = propose(StateType.FAILED, details={"retry": {"limit": 2, "delaySeconds": 90}})

    decision = judge(facts(StateType.RUNNING, retries_used=2), failed)

    assert (decision.outcome, decision.state.name) == (Outcome.ACCEPT, "Failed")


def test_a_lost_holder_that_came_back_keeps_its_run() -> None:
    known = facts(
        StateType.RUNNING, proposer=Proposer.SYSTEM, is_agent_lost=True, is_lease_expired=False
    )

    decision = judge(known, propose(StateType.CRASHED))

    assert decision.outcome is Outcome.REJECT


def test_a_run_is_late_once_an_episode() -> None:
    known = facts(StateType.SCHEDULED, phase=Phase.READY, proposer=Proposer.SYSTEM)
    late = propose(StateType.SCHEDULED, name="Late")

    first = judge(known, late)
    second = judge(
        facts(
            StateType.SCHEDULED, current_name="Late", phase=Phase.READY, proposer=Proposer.SYSTEM
        ),
        late,
    )

    assert (first.outcome, second.outcome) == (Outcome.ACCEPT, Outcome.REJECT)
