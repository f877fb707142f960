"""What runs are compared by, over the API."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from headgate.api.calls import Answer, ask, require
from headgate.api.flow_runs import Named
from headgate.api.transport import Transport

NOUN = "run_differences"


class ComparedState(Answer, frozen=True):
    """The state that a run is in."""

    type: str
    name: str
    message: str | None = None


class ComparedVersion(Answer, frozen=True):
    """The version of its deployment that a run executes."""

    number: int
    label: str | None = None
    git: dict[str, Any] | None = None


class ComparedAgent(Answer, frozen=True):
    """Who executed an attempt."""

    name: str
    sdk_version: str
    host: str | None = None


class ComparedAttempt(Answer, frozen=True):
    """One start of user code."""

    number: int
    agent: ComparedAgent | None = None


class ComparedArtifact(Answer, frozen=True):
    """What a run left."""

    type: str
    key: str | None = None


class _Artifacts(Answer, frozen=True):
    nodes: list[ComparedArtifact]


class RunFacts(Answer, frozen=True):
    """A run with all that may differ from another one's."""

    id: str
    name: str
    state: ComparedState
    flow: Named
    parameters: dict[str, Any]
    tags: list[str]
    priority: int
    attempt: int
    attempts: list[ComparedAttempt]
    artifacts: _Artifacts
    deployment: Named | None = None
    deployment_version: ComparedVersion | None = None
    job_variables: dict[str, Any] | None = None
    expected_start: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    lateness: timedelta | None = None
    work_pool: Named | None = None
    work_queue: Named | None = None


async def get_facts(transport: Transport, *, flow_run_id: str) -> RunFacts:
    """Return what a run is compared by.

    Raises:
        NotFoundError: there is no such run, or this key may not see it.
    """
    found = await ask(transport, NOUN, "RunFacts", variables={"id": flow_run_id})
    return msgspec.convert(require(found, what=f"flow run {flow_run_id}"), RunFacts)
