"""Proposes a run's states behind all it reported, and answers for a server that is away."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

from headgate.api.states import StateAnswer
from headgate.errors import (
    ApiError,
    LeaseLostError,
    RetryableApiError,
    ServerFaultError,
    UnauthenticatedError,
)
from headgate.ids import make_uuid
from headgate.reporting.batches import Batch, ProposedState
from headgate.reporting.delivery import Delivery
from headgate.reporting.failures import state_input
from headgate.reporting.local_run import Answers
from headgate.reporting.records import Verdict
from headgate.reporting.sender import Sender
from headgate.reporting.tenure import BLIP_SECONDS, RunRefusedError
from headgate.settings import Settings
from headgate.states import State, StateType

logger = logging.getLogger("headgate.reporting")


class Flush(Protocol):
    """Waits for what was reported."""

    def __call__(self, *, is_patient: bool) -> Awaitable[bool]:
        """Wait until the server has it all; false once it is away, where nobody is patient."""
        ...


class Proposals:
    """Proposes the states of one run; used from the background loop only.

    A run that an agent gave to this process starts, starts again and ends with the server's word.
    One that began here is nobody else's: it starts, and starts again, while the server is away,
    and as a part of another it ends so too. What it proposed waits on disk, in its place.

    Args:
        is_own: the run began in this process.
        is_part: it is part of another run of this process, which waits for it as it ends.
        take_rest: takes what is queued still.
    """

    def __init__(
        self,
        sender: Sender,
        delivery: Delivery,
        *,
        settings: Settings,
        is_own: bool,
        is_part: bool,
        flush: Flush,
        take_rest: Callable[[], Iterable[Batch]],
    ) -> None:
        self._sender = sender
        self._delivery = delivery
        self._settings = settings
        self._is_own = is_own
        self._is_part = is_part
        self._flush = flush
        self._take_rest = take_rest
        self._answers = Answers()

    async def propose(self, state: State[Any], *, retry: dict[str, Any] | None) -> Verdict:
        """Propose a state, and wait for the answer as long as the state is worth it.

        Raises:
            ApiError: the server did not say whether the run goes on.
            TimeoutError: the same; it did not even take what was reported before.
        """
        is_last = state.is_final() and retry is None
        proposal = ProposedState(state_input(state, retry=retry), make_uuid())
        goes_on = self._goes_on(is_last=is_last)
        patience = self._patience_seconds()
        try:
            async with asyncio.timeout(patience):
                is_away = goes_on and self._delivery.only_waits
                is_heard = not is_away and await self._flush(is_patient=not goes_on)
            if not is_heard:
                return await self._go_on(proposal, state, retry=retry)
            deadline = BLIP_SECONDS if goes_on and is_last else patience
            if state.is_running():
                deadline = self._settings.request_deadline_seconds
            verdict = await self._ask(proposal, state=state, deadline_seconds=deadline)
        except (TimeoutError, RetryableApiError, ServerFaultError) as error:
            if goes_on:
                return await self._go_on(proposal, state, retry=retry)
            if not is_last:
                raise
            return self._leave_on_disk(proposal, state=state, error=error)
        except ApiError as error:
            if not is_last:
                raise
            return Verdict(accepted=False, state=state, reason=str(error))
        self._answers.note(verdict.state)
        return verdict

    def _patience_seconds(self) -> float:
        """Return how long the end waits: no longer than the begin did, where nobody heard of it."""
        settings = self._settings
        if self._delivery.has_begun:
            return settings.report_patience_seconds
        return min(settings.report_patience_seconds, settings.request_deadline_seconds)

    def _goes_on(self, *, is_last: bool) -> bool:
        if is_last:
            return self._is_part
        return self._is_own and not self._settings.is_server_required

    async def _go_on(
        self, proposal: ProposedState, state: State[Any], *, retry: dict[str, Any] | None
    ) -> Verdict:
        for batch in (*self._take_rest(), proposal):
            await self._delivery.deliver(batch)
        return self._answers.verdict(state, retry=retry)

    async def _ask(
        self, proposal: ProposedState, *, state: State[Any], deadline_seconds: float
    ) -> Verdict:
        if self._delivery.is_lost:
            return Verdict(accepted=False, state=state, reason=self._delivery.lost_reason)
        try:
            answer = await self._sender.propose(proposal, deadline_seconds=deadline_seconds)
        except (LeaseLostError, UnauthenticatedError, RunRefusedError) as error:
            self._delivery.lose(str(error))
            return Verdict(accepted=False, state=state, reason=str(error))
        reason = str(answer.refusal) if answer.refusal else None
        if isinstance(answer.refusal, LeaseLostError):
            self._delivery.lose(str(answer.refusal))
        now = _read_state(answer.state, proposed=state) if answer.state else state
        return Verdict(accepted=answer.accepted, state=now, reason=reason)

    def _leave_on_disk(
        self, proposal: ProposedState, *, state: State[Any], error: Exception
    ) -> Verdict:
        self._delivery.leave_on_disk([*self._take_rest(), proposal])
        logger.error(
            "The server stayed away (%s); the reports of run %s wait in %s and are sent once it is "
            "back, by this process or the next one that runs here",
            str(error) or type(error).__name__,
            self._sender.lease.run_id,
            self._delivery.spool.path,
        )
        return Verdict(accepted=False, state=state, reason="the server is away")


def _read_state(answer: StateAnswer, *, proposed: State[Any]) -> State[Any]:
    """Return the run's state as the server has it, with the data that only this process has."""
    return State(
        StateType(answer.type),
        name=answer.name,
        message=answer.message,
        data=proposed.data if answer.type == proposed.type.value else None,
        timestamp_us=int(answer.timestamp.timestamp() * 1_000_000),
        details=answer.details,
    )
