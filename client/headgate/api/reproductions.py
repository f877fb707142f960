"""What a run was made of, over the API: its code, its parameters, and what its tasks kept."""

from typing import Any

import msgspec

from headgate.api.calls import Answer, ask, read_page, require
from headgate.api.flow_runs import Named
from headgate.api.states import StateAnswer
from headgate.api.transport import Transport

NOUN = "reproductions"
PAGE_SIZE = 100


class Executor(Answer, frozen=True):
    """The agent that ran an attempt."""

    name: str


class ExecutedAttempt(Answer, frozen=True):
    """An attempt; ``agent`` is None where it ran in a process of its own."""

    number: int
    agent: Executor | None = None


class ExecutedVersion(Answer, frozen=True):
    """The version of its deployment that a run executes."""

    number: int
    content: dict[str, Any]
    git: dict[str, Any] | None = None


class ExecutedRun(Answer, frozen=True):
    """A run with what it was made of; without a version where none is kept.

    Args:
        states: the first 100 that it was in.
    """

    id: str
    name: str
    state: StateAnswer
    flow: Named
    tags: list[str]
    parameters: dict[str, Any]
    attempts: list[ExecutedAttempt]
    states: list[StateAnswer]
    job_variables: dict[str, Any] | None = None
    deployment: Named | None = None
    deployment_version: ExecutedVersion | None = None

    @property
    def agent_name(self) -> str | None:
        """Who ran its last attempt; None where no agent did."""
        agent = self.attempts[-1].agent if self.attempts else None
        return agent.name if agent else None

    @property
    def commits(self) -> dict[str, str]:
        """The commit of each repository that it had code from, as it began last."""
        for state in reversed(self.states):
            details: dict[str, Any] = state.details or {}
            told: list[dict[str, str]] | None = details.get("code")
            if told is not None:
                return {one["repository"]: one["commit"] for one in told}
        return {}


class ExecutedTask(Answer, frozen=True):
    """A task run, with the key under which its result is kept."""

    id: str
    name: str
    state: StateAnswer
    cache_key: str | None = None


async def get(transport: Transport, *, flow_run_id: str) -> ExecutedRun:
    """Return a run with what it was made of.

    Raises:
        NotFoundError: there is none, or this key may not see it.
    """
    found = await ask(transport, NOUN, "Reproduction", variables={"id": flow_run_id})
    run = require(found, what=f"flow run {flow_run_id}")
    return msgspec.convert({**run, "states": run["stateHistory"]["nodes"]}, ExecutedRun)


async def list_tasks(transport: Transport, *, flow_run_id: str) -> list[ExecutedTask]:
    """Return all task runs of a run."""
    tasks: list[ExecutedTask] = []
    after: str | None = None
    while True:
        found = await ask(
            transport,
            NOUN,
            "ReproductionTasks",
            variables={"id": flow_run_id, "first": PAGE_SIZE, "after": after},
        )
        place = require(found, what=f"flow run {flow_run_id}")
        page = read_page(place["taskRuns"], item=ExecutedTask)
        tasks += page.items
        if not page.has_next_page:
            return tasks
        after = page.end_cursor
