"""Reads what agents need to start claimed runs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.dialects.postgresql import JSONB

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids, names
from headgate_server.domain.job_templates import make_job_variables
from headgate_server.domain.reruns import WHOLE_RUN, Beginning, request_of
from headgate_server.domain.transitions.pauses import RESUMING
from headgate_server.domain.transitions.rules import GIVES_BACK
from headgate_server.repositories.statements import named_with

_JSON = {
    name: JSONB()
    for name in (
        "parameters",
        "job_variables",
        "pull_steps",
        "deployment_job_variables",
        "base_job_template",
        "tags",
        "beginning",
        "restart",
    )
}


async def read_jobs(work: UnitOfWork, run_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return the jobs of runs as agents receive them, by run; secrets are not in them.

    Job variables are of the pool as it is now, the deployment's version and the run; ``missing``
    and ``refused`` say what keeps a job from being started.

    And ``is_stopped``: whether nothing may start in their workspace; ``beginning``: what an attempt
    begins from, None where it is the first.
    """
    if not run_ids:
        return {}
    rows = await work.execute(
        named_with("read_job", **_JSON),
        {"workspace_id": work.workspace_id, "run_ids": list(run_ids)},
    )
    return {row.id: _job(row) for row in rows}


def _beginning(state: dict[str, Any] | None, restart: dict[str, Any] | None) -> Beginning | None:
    """Return what an attempt begins from; None where it does so as the first did."""
    asked_at = None if restart is None else restart["at"]
    if restart is None or (state is None and asked_at is None):
        return None
    is_continued = state is not None and (
        state["name"] == RESUMING or GIVES_BACK in state["details"]
    )
    if asked_at is None:
        return Beginning(is_continued)
    return Beginning(
        is_continued,
        request=request_of(restart["details"]) or WHOLE_RUN,
        asked_at=datetime.fromisoformat(asked_at),
        since=restart["since"],
    )


def _parent(row: Row[Any]) -> dict[str, Any] | None:
    """Return the run that started this one, and where that comes from; None where none did."""
    if row.parent_run_id is None:
        return None
    deployment_id = row.parent_deployment_id
    return {
        "flowRunId": ids.show(ids.Kind.FLOW_RUN, row.parent_run_id),
        "taskRunId": ids.show(ids.Kind.TASK_RUN, row.parent_task_run_id),
        "rootFlowRunId": ids.show(ids.Kind.FLOW_RUN, row.root_run_id or row.parent_run_id),
        "deploymentId": ids.show(ids.Kind.DEPLOYMENT, deployment_id) if deployment_id else None,
    }


def _job(row: Row[Any]) -> dict[str, Any]:
    variables = make_job_variables(
        row.base_job_template, deployment=row.deployment_job_variables, run=row.job_variables
    )
    refused = {"missing": ["room for the job variables"], "refused": variables.refused}
    return {
        "is_stopped": row.is_stopped,
        "beginning": _beginning(row.beginning, row.restart),
        "flowName": row.flow_name,
        "runName": row.name,
        "isRunNamed": not names.is_made_up(row.name),
        "expectedStart": row.first_due.isoformat(),
        "entrypoint": row.entrypoint,
        "pullSteps": row.pull_steps,
        "parameters": row.parameters,
        "jobVariables": variables.values,
        "deployment": {
            "id": ids.show(ids.Kind.DEPLOYMENT, row.deployment_id),
            "name": row.deployment_name,
            "version": row.deployment_version,
        }
        if row.deployment_id
        else None,
        "flowId": ids.show(ids.Kind.FLOW, row.flow_id),
        "created": row.created_at.isoformat(),
        "parent": _parent(row),
        "workPool": row.work_pool,
        "workQueue": row.work_queue,
        "tags": row.tags,
        "workspace": f"{row.organization_slug}/{row.workspace_slug}",
        "attempt": row.attempt + 1,
        "retriesUsed": row.retries_used,
        "traceparent": row.traceparent,
        "onAgentLost": row.on_agent_lost,
        "fenceSeconds": (row.fence_ms or 0) / 1000,
        **(refused if variables.refused else {}),
    }
