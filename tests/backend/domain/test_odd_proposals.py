"""States as anybody might propose them: refused with what is wrong, or judged; never an error."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from headgate_server.domain.deployments import AgentLostPolicy
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.failure_groups import fingerprint_of
from headgate_server.domain.ids import new_id, new_token
from headgate_server.domain.leases import LeaseRef, Phase
from headgate_server.domain.reruns import request_of
from headgate_server.domain.states import (
    NAMES,
    ProposedState,
    StateType,
    check_details,
    propose,
)
from headgate_server.domain.telling import when_told
from headgate_server.domain.transitions.effects import consequences
from headgate_server.domain.transitions.facts import Facts, Outcome
from headgate_server.domain.transitions.policy import judge
from headgate_server.services.flow_runs.change import Correction, check_proposal
from tests.backend.domain.test_run_lives import made

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
RUN_ID = new_id()
LEASE = LeaseRef(run_id=RUN_ID, token=new_token(), epoch=1)
KNOWN_WORDS = [
    *("retry", "limit", "delaySeconds", "givesBack", "retryAt", "scheduledTime", "runName"),
    *("fromFailed", "fromTaskRunIds", "error", "type", "message", "traceback", "hears"),
    *("collision", "pause", "expiresAt", "isRejected", "reason", "parameters"),
]
TEXTS = st.text(max_size=20) | st.sampled_from(
    ["\x00", "\ud800", "2026-11-29T12:00:00", "9999-12-31T23:59:59-14:00", "tomorrow", "x" * 5_000]
)
NUMBERS = st.integers() | st.sampled_from([10**18, 2**63 - 1, 2**64, -1, 0, 10**400])
SCALARS = st.none() | st.booleans() | NUMBERS | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KNOWN_WORDS) | TEXTS, inner, max_size=4)
    ),
    max_leaves=8,
)
DETAILS = st.dictionaries(st.sampled_from(KNOWN_WORDS) | TEXTS, VALUES, max_size=5)
NAMES_OF_ALL = st.none() | TEXTS | st.sampled_from([name for own in NAMES.values() for name in own])
INSTANTS = st.none() | st.datetimes(
    min_value=datetime(2, 1, 1),  # noqa: DTZ001  the strategy adds the zone
    max_value=datetime(9998, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def facts(draw: st.DrawFn, *, is_person: bool, state: ProposedState) -> Facts:
    """Return what may be so of a run as somebody proposes a state for it."""
    checked = check_proposal(
        run_id=RUN_ID,
        state=state,
        lease=None if is_person else LEASE,
        key=draw(st.none() | TEXTS),
        correction=Correction(
            is_forced=draw(st.booleans()), reason=draw(st.none() | TEXTS) if is_person else None
        ),
    )
    current = draw(st.sampled_from(StateType))
    return Facts(
        now=NOW,
        current_type=current,
        current_name=draw(st.sampled_from(NAMES[current])),
        proposer=checked.proposer,
        phase=draw(st.none() | st.sampled_from(Phase)),
        is_lease_valid=not is_person,
        is_forced=checked.is_forced,
        has_pool=draw(st.booleans()),
        is_cancel_requested=draw(st.booleans()),
        retries_used=draw(st.integers(0, 3)),
        on_agent_lost=draw(st.sampled_from(AgentLostPolicy)),
        infrastructure_retries=draw(st.integers(0, 3)),
    )


@st.composite
def proposals(draw: st.DrawFn) -> tuple[ProposedState, Facts] | InvalidInput:
    """Return a proposal with the facts that it meets, or how it is refused before."""
    try:
        state = propose(
            draw(st.sampled_from(StateType)),
            name=draw(NAMES_OF_ALL),
            message=draw(st.none() | TEXTS),
            details=draw(DETAILS),
            timestamp=draw(INSTANTS),
        )
        return state, facts(draw, is_person=draw(st.booleans()), state=state)
    except InvalidInput as refused:
        return refused


@given(proposal=proposals())
def test_what_is_proposed_is_refused_by_name_or_judged(
    proposal: tuple[ProposedState, Facts] | InvalidInput,
) -> None:
    if isinstance(proposal, InvalidInput):
        assert proposal.path
        return
    state, known = proposal

    decision = judge(known, state)
    if decision.outcome in {Outcome.ACCEPT, Outcome.RENAME}:
        effects = consequences(made(), decision, has_item=known.phase is not None, at=NOW)
        due = effects.due_at
        assert due is None or NOW <= due <= NOW + timedelta(days=8)
    decision.to_json()
    fingerprint_of(state_name=state.name, message=state.message, details=state.details)


@given(details=DETAILS)
@example(details={"fromFailed": True, "fromTaskRunIds": ["x"]})
@example(details={"fromFailed": True, "fromTaskRunIds": 3})
@example(details={"fromFailed": "yes"})
def test_what_is_said_of_a_start_is_read_or_says_nothing(details: dict[str, Any]) -> None:
    try:
        check_details(details)
    except InvalidInput:
        return

    found = request_of(details)

    assert found is None or isinstance(found.is_from_failed, bool)


@given(said=INSTANTS, sent_at=INSTANTS)
@example(said=datetime(2, 1, 1, tzinfo=UTC), sent_at=datetime(9998, 12, 31, tzinfo=UTC))
@example(said=datetime(9998, 12, 31, tzinfo=UTC), sent_at=datetime(2, 1, 1, tzinfo=UTC))
def test_instants_of_any_calendar_are_told(said: datetime | None, sent_at: datetime | None) -> None:
    assert when_told(said, sent_at=sent_at, now=NOW) <= NOW
