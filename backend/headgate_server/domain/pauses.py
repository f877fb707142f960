"""Pauses of runs: what a run waits for, who may answer it, and what the answer must look like."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from headgate_server.domain.documents import check_document, is_storable
from headgate_server.domain.errors import Forbidden, InvalidInput
from headgate_server.domain.leases import PauseKind
from headgate_server.domain.parameters import check_schema, find_problems
from headgate_server.domain.permissions import Scope
from headgate_server.domain.tenancy import Actor

MAX_KEY_LENGTH = 200
MAX_DESCRIPTION_LENGTH = 10_000
MAX_REASON_LENGTH = 4_000
MAX_SCHEMA_BYTES = 64 * 1024
MAX_INPUT_BYTES = 64 * 1024
MAX_APPROVERS = 50
MAX_APPROVER_LENGTH = 320
MAX_PROBLEMS = 50
"""So many wrong fields are told at once."""
LONGEST_TIMEOUT = timedelta(days=366)
OUTSIDE = "outside:"
"""How the keys of pauses begin that somebody else than the run's own code asked for."""


class PauseStatus(StrEnum):
    """What became of a pause."""

    REQUESTED = "REQUESTED"
    WAITING = "WAITING"
    RESUMED = "RESUMED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    ENDED = "ENDED"


ANSWERED = frozenset({PauseStatus.RESUMED, PauseStatus.REJECTED})
"""What is not asked again under the same key, in whichever attempt."""


@dataclass(frozen=True, slots=True)
class Approvers:
    """Who may answer a pause; whoever may write runs where nobody is named.

    Args:
        roles: names of roles, held where the run is or everywhere.
        people: e-mail addresses of members, who have proven that they are theirs.
        teams: names of teams, as it was asked.
        team_ids: those of them that were there then, by name: it is these that may answer,
            whatever they are called by now.
        is_four_eyes: whoever started the run may not answer, with a key of a service account
            that they made neither; nor may a run.
    """

    roles: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    is_four_eyes: bool = False
    team_ids: Mapping[str, UUID] = field(default_factory=dict[str, UUID])

    @property
    def names_anyone(self) -> bool:
        """Whether only some may answer."""
        return bool(self.roles or self.people or self.teams)

    def is_team(self, id_: UUID, *, name: str) -> bool:
        """Whether a team may answer; one that was not there is known by its name."""
        if name in self.teams and name not in self.team_ids:
            return True
        return any(id_ == known for known in self.team_ids.values())

    def words(self) -> str:
        """Return who may answer, for a message."""
        named = [
            *(f"the role {name}" for name in self.roles),
            *(f"the team {name}" for name in self.teams),
            *self.people,
        ]
        return " or ".join(named)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a run asks again: what was answered at a time does not fit, as its code sees it."""

    answered_at: datetime
    message: str


@dataclass(frozen=True, slots=True)
class NewPause:
    """A pause that a run's process asks for.

    Args:
        key: names it within the run: what was answered under a key is not asked again.
        timeout: how long to wait for an answer; None waits for ever.
        schema: the JSON Schema of the answer; None where it takes none.
        initial: what a form is filled in with.
        refusal: why the answer that was given under the key is not taken.
    """

    key: str
    kind: PauseKind = PauseKind.PAUSE
    timeout: timedelta | None = None
    schema: dict[str, Any] | None = None
    initial: dict[str, Any] | None = None
    description: str | None = None
    approvers: Approvers = field(default_factory=Approvers)
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class PauseWish:
    """A pause that a person asks of a run, which its process carries out before its next task."""

    kind: PauseKind = PauseKind.PAUSE
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody says to a pause."""

    input: Any = None
    reason: str | None = None
    is_rejected: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause of a run, and what was answered.

    Args:
        epoch: of the lease under which it was asked for last.
        refusal: why it is asked again, where an answer did not fit.
    """

    workspace_id: UUID
    flow_run_id: UUID
    key: str
    kind: PauseKind
    status: PauseStatus
    epoch: int
    schema: dict[str, Any] | None
    initial: dict[str, Any] | None
    description: str | None
    approvers: Approvers
    created_at: datetime
    expires_at: datetime | None
    input: Any
    answered_at: datetime | None
    answered_by: Actor | None
    reason: str | None
    refusal: str | None = None

    @property
    def is_answered(self) -> bool:
        """Whether somebody answered it."""
        return self.status in ANSWERED

    def is_refused(self, refusal: Refusal | None) -> bool:
        """Whether it is this very answer that does not fit, and no later one."""
        if refusal is None or self.status is not PauseStatus.RESUMED:
            return False
        return self.answered_at == refusal.answered_at


class WrongFields(InvalidInput):
    """The answer does not fit what the run asks for; correct the named fields.

    ``fields`` holds one error for each.
    """

    def __init__(self, fields: list[InvalidInput]) -> None:
        super().__init__(path=["input"])
        self.fields = fields


def check_pause(new: NewPause) -> None:
    """Refuse a pause that cannot be asked.

    Up to a second of pure Python: an event loop has it done in a thread.

    Raises:
        InvalidInput: naming the field and what is wrong with it.
    """
    check_text(new.key, field="key", most=MAX_KEY_LENGTH)
    if new.description is not None:
        _check_length(new.description, field="description", most=MAX_DESCRIPTION_LENGTH)
    if new.refusal is not None:
        _check_length(new.refusal.message, field="refused.message", most=MAX_REASON_LENGTH)
    if new.timeout is not None and not timedelta() < new.timeout <= LONGEST_TIMEOUT:
        raise InvalidInput("timeout is above 0 and at most 366 days.", path=["timeout"])
    if new.schema is not None:
        check_document(new.schema, field="schema", most_bytes=MAX_SCHEMA_BYTES)
        check_schema(new.schema, field="schema")
    if new.initial is not None:
        check_document(new.initial, field="initial", most_bytes=MAX_INPUT_BYTES)
    for field_, names in (
        ("roles", new.approvers.roles),
        ("people", new.approvers.people),
        ("teams", new.approvers.teams),
    ):
        if len(names) > MAX_APPROVERS:
            raise InvalidInput(f"{field_} names at most {MAX_APPROVERS}.", path=[field_])
        for name in names:
            check_text(name, field=field_, most=MAX_APPROVER_LENGTH)


def check_wish(wish: PauseWish) -> None:
    """Refuse a pause that nobody could be told the reason of.

    Raises:
        InvalidInput: an over-long reason.
    """
    if wish.reason is not None:
        _check_length(wish.reason, field="reason", most=MAX_REASON_LENGTH)


def is_outside(key: str) -> bool:
    """Whether a pause under this key was asked for by somebody else than the run's own code."""
    return key.startswith(OUTSIDE)


def check_text(text: str, *, field: str, most: int) -> None:
    """Refuse a name that is empty, over-long or not printable.

    Raises:
        InvalidInput: it is.
    """
    if not (1 <= len(text) <= most and text.isprintable()):
        raise InvalidInput(f"{field} has 1 to {most} printable characters.", path=[field])


def check_answer(schema: dict[str, Any] | None, answer: Answer) -> None:
    """Refuse an answer that does not fit what is asked for.

    Up to two seconds of pure Python: an event loop has it done in a thread.

    Raises:
        WrongFields: it does not fit the schema.
        InvalidInput: the answer as a whole will not do: over-long, or one where none is taken.
    """
    if answer.reason is not None:
        _check_length(answer.reason, field="reason", most=MAX_REASON_LENGTH)
    if answer.is_rejected:
        if answer.input is not None:
            raise InvalidInput("Who rejects gives a reason, and no input.", path=["input"])
    elif schema is None:
        if answer.input not in (None, {}):
            raise InvalidInput("This pause takes no input; leave it out.", path=["input"])
    else:
        check_document(answer.input, field="input", most_bytes=MAX_INPUT_BYTES)
        wrong = find_problems(answer.input, schema=schema, field="input", most=MAX_PROBLEMS)
        if wrong:
            raise WrongFields(wrong)


def refuse_starter() -> Forbidden:
    """Return the error of who would answer for a run that they started themselves."""
    return Forbidden("You started this run, and somebody else has to answer: ask one who may.")


def refuse_key_maker() -> Forbidden:
    """Return the error of who would answer with a key that whoever started the run was shown."""
    return Forbidden(
        "Whoever started this run was shown the token of the key that you answer with, or the "
        "other way round: somebody else has to answer, signed in or with a key of their own."
    )


def refuse_unknown_start() -> Forbidden:
    """Return the error where nobody can tell any more who started a run."""
    return Forbidden(
        "A run that led to this one has been deleted, so that nobody can tell whose second pair of "
        "eyes this needs. Cancel this run and start it anew."
    )


def refuse_machine() -> Forbidden:
    """Return the error of a run or an agent that would answer where a second person has to."""
    return Forbidden("A run's code is no second pair of eyes: a person has to answer this.")


def refuse_without_team(approvers: Approvers) -> Forbidden:
    """Return the error of who may not stand in for teams that are all gone."""
    return Forbidden(
        f"This waits for {approvers.words()}: whoever manages members answers in its place, or "
        "cancels the run.",
        missing_scopes=[Scope.MEMBERS_WRITE],
    )


def refuse_stranger(approvers: Approvers) -> Forbidden:
    """Return the error of who is none of those that may answer."""
    return Forbidden(f"Only {approvers.words()} may answer this.")


def _check_length(text: str, *, field: str, most: int) -> None:
    if len(text) > most or not is_storable(text):
        raise InvalidInput(f"{field} has at most {most:,} characters.", path=[field])
