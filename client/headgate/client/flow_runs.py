"""The client's calls about runs: of flows, of tasks, what they logged, what they are in."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from headgate.api import deletions, deployments, flow_runs, logs, pauses, reproductions, task_runs
from headgate.api.flow_runs import NewRun
from headgate.api.logs import LogLine
from headgate.client.calls import DEFAULT_LIMIT, LONGEST_PAGE, ClientCalls
from headgate.client.schemas.criteria import Made, all_of, made_of
from headgate.client.schemas.filters import (
    DeploymentFilter,
    FlowFilter,
    FlowRunFilter,
    LogFilter,
    TaskRunFilter,
)
from headgate.client.schemas.objects import FlowRun, TaskRun, state_of
from headgate.client.schemas.responses import (
    OrchestrationResult,
    SetStateStatus,
    StateAbortDetails,
    StateAcceptDetails,
)
from headgate.client.schemas.sorting import FlowRunSort
from headgate.errors import ConflictError, ParameterError
from headgate.states import State

LONGEST_REASON = 4_000
"""So many characters of a state's message stand for the reason that it was set for."""


class RunCalls(ClientCalls):
    """What a client does about runs."""

    async def read_flow_run(self, flow_run_id: str) -> FlowRun:
        """Return a flow run."""
        return FlowRun.of(await flow_runs.get(self._transport, flow_run_id=flow_run_id))

    async def read_flow_runs(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        deployment_filter: DeploymentFilter | None = None,
        sort: FlowRunSort | None = None,
        limit: int | None = None,
        offset: int = 0,
        filter: Mapping[str, Any] | None = None,
    ) -> list[FlowRun]:
        """Return flow runs, latest expected start first unless ``sort`` says otherwise.

        Args:
            limit: how many at most; 200 if not said.
            offset: how many to leave out before them.
            filter: one of the API itself, which must hold as well.
        """
        found = await self._all(
            partial(
                flow_runs.list_flow_runs,
                filter=_runs(flow_filter, flow_run_filter, deployment_filter, filter),
                order_by=sort.as_order() if sort is not None else None,
            ),
            limit=limit,
            offset=offset,
        )
        return [FlowRun.of(one) for one in found]

    async def read_task_run(self, task_run_id: str) -> TaskRun:
        """Return a task run."""
        return TaskRun.of(await task_runs.get(self._transport, task_run_id=task_run_id))

    async def read_task_runs(
        self,
        flow_run_id: str | None = None,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        deployment_filter: DeploymentFilter | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[TaskRun]:
        """Return task runs, the newest first: of one flow run, or as the filters say.

        Args:
            flow_run_filter: of which flow runs; the latest 200 of them are looked at.
        """
        wanted = all_of(
            made_of(task_run_filter) or {},
            {} if flow_run_id is None else {"flowRunId": {"eq": flow_run_id}},
        )
        runs = _runs(flow_filter, flow_run_filter, deployment_filter, None)
        if runs is not None:
            around = await self._all(partial(flow_runs.list_flow_runs, filter=runs), limit=None)
            wanted = all_of(wanted, {"flowRunId": {"in": [run.id for run in around]}})
        found = await self._all(
            partial(task_runs.list_task_runs, filter=wanted or None), limit=limit, offset=offset
        )
        return [TaskRun.of(one) for one in found]

    async def read_logs(
        self,
        log_filter: LogFilter | str | None = None,
        *,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[LogLine]:
        """Return lines of one flow run's log, the oldest first.

        Args:
            log_filter: names the flow run, and narrows further; or the run's id alone.

        Raises:
            ParameterError: it names no flow run, or several.
        """
        flow_run_id, wanted = _log_filter(log_filter)
        until = offset + (DEFAULT_LIMIT if limit is None else limit)
        lines: list[LogLine] = []
        after: str | None = None
        while len(lines) < until:
            page = await logs.list_logs(
                self._transport,
                flow_run_id=flow_run_id,
                first=min(LONGEST_PAGE, until - len(lines)),
                after=after,
                filter=wanted.as_filter() or None,
            )
            lines += page.items
            after = page.end_cursor
            if not page.has_next_page:
                break
        return lines[offset:]

    async def create_flow_run_from_deployment(
        self,
        deployment_id: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        idempotency_key: str | None = None,
        scheduled_time: datetime | None = None,
        state: State[Any] | None = None,
        parent_task_run_id: str | None = None,
        work_queue_name: str | None = None,
        job_variables: Mapping[str, Any] | None = None,
    ) -> FlowRun:
        """Create a run of a deployment; the same key within 24 hours finds the run made first.

        Args:
            scheduled_time: when it is due; now if not said.
            state: another way to say that: ``Scheduled(scheduled_time=…)``.
        """
        new = NewRun(
            deployment_id=deployment_id,
            parameters=None if parameters is None else dict(parameters),
            name=name,
            tags=list(tags) if tags is not None else None,
            idempotency_key=idempotency_key,
            expected_start=scheduled_time or _due(state),
            parent_task_run_id=parent_task_run_id,
            work_queue_name=work_queue_name,
            job_variables=None if job_variables is None else dict(job_variables),
        )
        workspace_id = await self.workspace_id()
        return FlowRun.of(
            await deployments.run(self._transport, workspace_id=workspace_id, run=new)
        )

    async def set_flow_run_state(
        self,
        flow_run_id: str,
        state: State[Any],
        *,
        force: bool = False,
        reason: str | None = None,
    ) -> OrchestrationResult:
        """Propose a state for a run, and return what the server says to it.

        A run in a state of this kind is nobody's: use it to correct what is known better outside.

        Args:
            force: past the rules of ordinary transitions.
            reason: why, for the history and the audit log; of a forced one, the state's message by
                default. With one, a final state that is forced corrects how a run ended.
        """
        proposal = await flow_runs.set_state(
            self._transport,
            flow_run_id=flow_run_id,
            state=_as_input(state),
            is_forced=force,
            reason=reason or (_as_reason(state) if force else None),
        )
        now = state_of(proposal.state) if proposal.state is not None else None
        if proposal.accepted:
            return OrchestrationResult(
                state=now, status=SetStateStatus.ACCEPT, details=StateAcceptDetails()
            )
        reason = str(proposal.refusal) if proposal.refusal else "The server refused the state"
        return OrchestrationResult(
            state=now, status=SetStateStatus.ABORT, details=StateAbortDetails(reason)
        )

    async def read_flow_run_states(self, flow_run_id: str) -> list[State[Any]]:
        """Return the states that a run was in, the first one first; 100 at most."""
        run = await reproductions.get(self._transport, flow_run_id=flow_run_id)
        return [state_of(told) for told in run.states]

    async def read_task_run_states(self, task_run_id: str) -> list[State[Any]]:
        """Return the states that a task run was in, the first one first; 100 at most."""
        run = await task_runs.get(self._transport, task_run_id=task_run_id)
        return [state_of(told) for told in run.states]

    async def resume_flow_run(
        self,
        flow_run_id: str,
        run_input: Mapping[str, Any] | None = None,
        *,
        pause_key: str | None = None,
        paused_at: datetime | None = None,
    ) -> FlowRun:
        """Resume a run that is paused or suspended, with the input that it asks for.

        Args:
            pause_key: of the pause that is answered, so that no later one is.
            paused_at: when that was asked for: under one key a run may ask again.
        """
        given = None if run_input is None else dict(run_input)
        found = await pauses.resume(
            self._transport,
            flow_run_id=flow_run_id,
            input=given,
            pause_key=pause_key,
            paused_at=paused_at,
        )
        return FlowRun.of(found)

    async def cancel_flow_run(self, flow_run_id: str, *, reason: str | None = None) -> FlowRun:
        """Ask a run to stop; it is Cancelling until its process has said so."""
        found = await flow_runs.cancel(self._transport, flow_run_id=flow_run_id, reason=reason)
        return FlowRun.of(found)

    async def retry_flow_run(self, flow_run_id: str, *, from_failed: bool = False) -> FlowRun:
        """Start a run again that has ended: all of it, or what did not complete."""
        found = await flow_runs.retry(
            self._transport, flow_run_id=flow_run_id, from_failed=from_failed
        )
        return FlowRun.of(found)

    async def delete_flow_run(self, flow_run_id: str) -> None:
        """Delete a run that has ended, or that waits for its time.

        Raises:
            ConflictError: it runs, or is about to: cancel it before.
        """
        try:
            await deletions.delete(self._transport, kind="FlowRun", id_=flow_run_id)
        except ConflictError:
            if not (await self.read_flow_run(flow_run_id)).state.is_scheduled():
                raise
            await self.cancel_flow_run(flow_run_id, reason="It is to be deleted")
            await deletions.delete(self._transport, kind="FlowRun", id_=flow_run_id)


def _runs(
    flow: FlowFilter | None,
    run: FlowRunFilter | None,
    deployment: DeploymentFilter | None,
    more: Mapping[str, Any] | None,
) -> Made | None:
    flows, deployed = made_of(flow), made_of(deployment)
    found = all_of(
        made_of(run) or {},
        {"flow": flows} if flows else {},
        {"deployment": deployed} if deployed else {},
        dict(more or {}),
    )
    return found or None


def _log_filter(given: LogFilter | str | None) -> tuple[str, LogFilter]:
    """Return the run whose log is read, and what of it."""
    if isinstance(given, str):
        return given, LogFilter()
    named = given.flow_run_id.any_ if given is not None and given.flow_run_id else None
    if given is None or named is None or len(named) != 1:
        message = "Name one flow run whose log to read: LogFilter(flow_run_id={'any_': [id]})"
        raise ParameterError(message)
    return named[0], given


def _due(state: State[Any] | None) -> datetime | None:
    at = (state.details or {}).get("scheduledAt") if state is not None else None
    return None if at is None else datetime.fromisoformat(at)


def _as_reason(state: State[Any]) -> str | None:
    return (state.message or "")[:LONGEST_REASON] or None


def _as_input(state: State[Any]) -> dict[str, Any]:
    found = {"type": state.type.value, "name": state.name}
    more = {"message": state.message, "details": state.details}
    return {**found, **{name: value for name, value in more.items() if value is not None}}
