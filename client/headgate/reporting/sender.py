"""Sends one batch of any kind, and turns the server's answer into what to do next."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from headgate.api import artifacts, assets, events, flow_runs, logs, task_runs
from headgate.api.calls import LeaseInput
from headgate.api.flow_runs import Proposal
from headgate.api.transport import Transport
from headgate.clock import now_us
from headgate.errors import (
    ApiError,
    BadRequestError,
    ConflictError,
    InvalidInputError,
    TooLargeError,
)
from headgate.ids import make_uuid
from headgate.reporting.batches import (
    ArtifactReport,
    AssetReport,
    Batch,
    EventReport,
    LogBatch,
    ProposedState,
    TaskBatch,
)
from headgate.states import timestamp_now

logger = logging.getLogger("headgate.reporting")


LATE_SECONDS = 60.0
"""A state that is so old is told with the time by the same clock: else it might be a wrong one."""


_MOST_LOGGED = 5
"""So many refusals of one batch are in this process's log; the run's own counts the others."""


def _is_late(proposal: ProposedState) -> bool:
    at = datetime.fromisoformat(proposal.state["timestamp"])
    return now_us() / 1e6 - at.timestamp() > LATE_SECONDS


def _forget(dropped: int) -> None:
    """Leave it at the word in this process's log."""
    del dropped


def _keep_quiet(what: str, is_log: bool) -> None:  # noqa: FBT001 - as it is called
    """Leave it at the word in this process's log."""
    del what, is_log


@dataclass(frozen=True, slots=True)
class Sender:
    """Speaks for one run with its token, under its lease.

    Args:
        on_quota: called with how many lines the server dropped.
        on_refused: called with what the server will never take, and whether that are lines.
    """

    transport: Transport
    lease: LeaseInput
    on_quota: Callable[[int], None] = _forget
    on_refused: Callable[[str, bool], None] = _keep_quiet

    async def send(self, batch: Batch, *, deadline_seconds: float) -> None:
        """Deliver a batch; safe to repeat.

        Raises:
            LeaseLostError: another attempt owns the run.
            RetryableApiError: the server is away.
            ApiError: the server will not take this batch.
        """
        if isinstance(batch, TaskBatch | LogBatch):
            await self._send_rows(batch, deadline_seconds=deadline_seconds)
        elif isinstance(batch, ArtifactReport):
            send = artifacts.update if batch.is_update else artifacts.create
            await send(self.transport, input=batch.input, deadline_seconds=deadline_seconds)
        elif isinstance(batch, AssetReport):
            await assets.materialize(
                self.transport, input=batch.input, deadline_seconds=deadline_seconds
            )
        elif isinstance(batch, EventReport):
            await self._emit(batch, deadline_seconds=deadline_seconds)
        else:
            answer = await self.propose(batch, deadline_seconds=deadline_seconds)
            if answer.refusal is not None:
                raise answer.refusal

    async def _send_rows(self, batch: TaskBatch | LogBatch, *, deadline_seconds: float) -> None:
        """Send rows together; where that is more than the server takes at once, in halves."""
        try:
            if isinstance(batch, TaskBatch):
                await self._send_tasks(batch, deadline_seconds=deadline_seconds)
            else:
                await self._send_logs(batch, deadline_seconds=deadline_seconds)
        except TooLargeError:
            halves = batch.halves()
            if len(halves) < 2:
                raise
            for half in halves:
                await self._send_rows(half, deadline_seconds=deadline_seconds)

    async def propose(self, proposal: ProposedState, *, deadline_seconds: float) -> Proposal:
        """Propose a state; where the server cannot read it, the same outcome in plain words.

        Raises:
            LeaseLostError: another attempt owns the run.
            RetryableApiError: the server is away.
            ApiError: the server will not take this state.
        """
        try:
            answer = await self._set_state(proposal, deadline_seconds=deadline_seconds)
            error: ApiError | None = answer.refusal
        except (InvalidInputError, BadRequestError) as caught:
            answer, error = None, caught
        if answer is not None and not isinstance(error, InvalidInputError):
            return answer
        logger.error(
            "The server does not take the state %s as it is: %s", proposal.state["name"], error
        )
        return await self._set_state(proposal.plain(), deadline_seconds=deadline_seconds)

    async def _set_state(self, proposal: ProposedState, *, deadline_seconds: float) -> Proposal:
        setting = partial(
            flow_runs.set_state,
            self.transport,
            flow_run_id=self.lease.run_id,
            lease=self.lease,
            idempotency_key=proposal.idempotency_key,
            deadline_seconds=deadline_seconds,
        )
        if not _is_late(proposal):
            return await setting(state=proposal.state)
        try:
            return await setting(state={**proposal.state, "sentAt": timestamp_now()})
        except BadRequestError as error:
            if "sentAt" not in str(error):
                raise
            # A server that is older than this client takes late states for new ones.
            return await setting(state=proposal.state)

    async def _send_tasks(self, batch: TaskBatch, *, deadline_seconds: float) -> None:
        result = await task_runs.sync(
            self.transport,
            lease=self.lease,
            flow_run_id=self.lease.run_id,
            batch_id=batch.batch_id,
            batch=batch.columns,
            deadline_seconds=deadline_seconds,
        )
        more = f"; {len(result.rejected)} of this batch in all"
        self._tell_refused(
            f"The server did not take task run {one.id}: {one.message} ({one.code}){more}"
            for one in result.rejected
        )

    async def _emit(self, batch: EventReport, *, deadline_seconds: float) -> None:
        rejected = await events.emit(
            self.transport, events=batch.events, deadline_seconds=deadline_seconds
        )
        self._tell_refused(
            f"The server did not take event {one.id}: {one.message} ({one.code})"
            for one in rejected
        )

    def _tell_refused(self, refusals: Iterable[str]) -> None:
        for place, what in enumerate(refusals):
            if place < _MOST_LOGGED:
                logger.error("%s", what)
            self.on_refused(what, False)

    async def _send_logs(self, batch: LogBatch, *, deadline_seconds: float) -> None:
        try:
            await self._append(batch, deadline_seconds=deadline_seconds)
        except ConflictError:
            # The server does not know the lines before these: a stream of its own keeps them.
            fresh = LogBatch(stream_id=make_uuid(), offset=0, columns=batch.columns)
            await self._append(fresh, deadline_seconds=deadline_seconds)

    async def _append(self, batch: LogBatch, *, deadline_seconds: float) -> None:
        result = await logs.append(
            self.transport,
            flow_run_id=self.lease.run_id,
            stream_id=batch.stream_id,
            offset=batch.offset,
            batch=batch.columns,
            deadline_seconds=deadline_seconds,
        )
        if result.dropped_for_quota:
            logger.warning(
                "The server dropped %d log lines: the run's log has reached its limit",
                result.dropped_for_quota,
            )
            self.on_quota(result.dropped_for_quota)
