"""Reads what an agent needs to start a claimed run."""

from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.repositories.statements import named

_JSON = {
    name: JSONB()
    for name in (
        "parameters",
        "job_variables",
        "pull_steps",
        "deployment_job_variables",
        "tags",
    )
}


async def read_job(work: UnitOfWork, run_id: UUID) -> dict[str, Any]:
    """Return the job of a run as the agent receives it; secrets are not in it.

    And ``is_stopped``: whether nothing may start in its workspace.
    """
    row = (
        await work.execute(
            named("read_job").columns(**_JSON),
            {"workspace_id": work.workspace_id, "run_id": run_id},
        )
    ).one()
    return {
        "is_stopped": row.is_stopped,
        "flowName": row.flow_name,
        "runName": row.name,
        "entrypoint": row.entrypoint,
        "pullSteps": row.pull_steps,
        "parameters": row.parameters,
        "jobVariables": {**(row.deployment_job_variables or {}), **(row.job_variables or {})},
        "deployment": {
            "id": ids.show(ids.Kind.DEPLOYMENT, row.deployment_id),
            "name": row.deployment_name,
        }
        if row.deployment_id
        else None,
        "tags": row.tags,
        "workspace": f"{row.organization_slug}/{row.workspace_slug}",
        "attempt": row.attempt + 1,
        "traceparent": row.traceparent,
        "onAgentLost": row.on_agent_lost,
        "fenceSeconds": (row.fence_ms or 0) / 1000,
    }
