"""What ends a blocker: a mutation that can be sent as it is, or a command where none can."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import to_builtins

from headgate_server.domain.ids import Kind, show
from headgate_server.domain.schedules.schedule import Schedule
from headgate_server.domain.schedules.specs import CronSpec, IntervalSpec, RRuleSpec, Spec


@dataclass(frozen=True, slots=True)
class Action:
    """What to do.

    Args:
        label: for a button.
        mutation: its name; empty where only a command helps.
        input_type: of its input.
        selection: what to ask of its payload.
        given: its input.
        command: what to run instead.
    """

    label: str
    mutation: str = ""
    input_type: str = ""
    selection: str = ""
    given: dict[str, Any] = field(default_factory=dict[str, Any])
    command: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as the API shows it: a document with its variables, or a command."""
        if not self.mutation:
            return {"label": self.label, "command": self.command}
        document = (
            f"mutation Unblock($input: {self.input_type}!) {{ {self.mutation}(input: $input) "
            f"{{ {self.selection} errors {{ code message path }} }} }}"
        )
        return {
            "label": self.label,
            "mutation": document,
            "variables": {"input": self.given},
        }


def start_now(run_id: UUID) -> Action:
    """Return what makes a waiting run due now."""
    state = {"type": "SCHEDULED", "message": "Due now by request."}
    return Action(
        "Start now",
        "flowRunSetState",
        "RunSetStateInput",
        "accepted",
        {"id": show(Kind.FLOW_RUN, run_id), "state": state},
    )


def resume(run_id: UUID, *, takes_input: bool, asked: tuple[str | None, datetime | None]) -> Action:
    """Return what resumes a paused run; a command where it asks for something.

    Args:
        run_id: which run.
        takes_input: whether it asks for something.
        asked: the key of the pause that is meant, and when it was asked for.
    """
    shown = show(Kind.FLOW_RUN, run_id)
    if takes_input:
        return Action("Answer it", command=f"headgate flow-runs resume {shown} --param NAME=VALUE")
    key, paused_at = asked
    given = {"id": shown}
    if key is not None and paused_at is not None:
        given |= {"pauseKey": key, "pausedAt": paused_at.isoformat()}
    return Action("Resume the run", "flowRunResume", "RunResumeInput", "flowRun { id }", given)


def cancel(run_id: UUID) -> Action:
    """Return what ends a run that can go on no more."""
    given = {"id": show(Kind.FLOW_RUN, run_id)}
    return Action("Cancel the run", "flowRunCancel", "RunCancelInput", "flowRun { id }", given)


def retry(run_id: UUID) -> Action:
    """Return what starts an ended run again."""
    given = {"id": show(Kind.FLOW_RUN, run_id)}
    return Action(
        "Run it all the same", "flowRunRetry", "FlowRunRetryInput", "flowRun { id }", given
    )


def resume_deployment(deployment_id: UUID) -> Action:
    """Return what resumes a deployment."""
    given = {"id": show(Kind.DEPLOYMENT, deployment_id), "paused": False}
    return Action(
        "Resume the deployment", "deploymentPause", "PauseInput", "deployment { paused }", given
    )


def resume_schedule(schedule: Schedule) -> Action:
    """Return what resumes a schedule, with all that it is."""
    catch_up = schedule.catch_up
    given: dict[str, Any] = {
        "deploymentId": show(Kind.DEPLOYMENT, schedule.deployment_id),
        "slug": schedule.slug,
        "spec": _spec(schedule.spec),
        "active": True,
        "parameters": schedule.parameters,
        "catchUp": {
            "policy": catch_up.policy.value,
            "max": catch_up.max,
            "window": to_builtins(catch_up.window),
        },
    }
    return Action(
        "Resume the schedule",
        "scheduleUpsert",
        "ScheduleUpsertInput",
        "schedule { active }",
        given,
    )


def _spec(spec: Spec) -> dict[str, Any]:
    match spec:
        case CronSpec():
            cron = {"cron": spec.cron, "timezone": spec.timezone, "dayOr": spec.day_or}
            return {"cron": cron}
        case IntervalSpec():
            every = to_builtins(spec.every)
            return {"interval": {"every": every, "anchor": spec.anchor.isoformat()}}
        case RRuleSpec():
            return {"rrule": {"rrule": spec.rrule, "timezone": spec.timezone}}


def raise_deployment_limit(workspace_id: UUID, *, flow_name: str, name: str, limit: int) -> Action:
    """Return what lets more runs of a deployment at once."""
    given = {
        "workspaceId": show(Kind.WORKSPACE, workspace_id),
        "flowName": flow_name,
        "name": name,
        "concurrencyLimit": limit,
    }
    return Action(
        f"Let {limit:,} run at once",
        "deploymentUpsert",
        "DeploymentUpsertInput",
        "deployment { concurrency { limit } }",
        given,
    )


def change_queue(work_pool_id: UUID, *, name: str, label: str, **changes: Any) -> Action:
    """Return what changes a queue."""
    given = {"workPoolId": show(Kind.WORK_POOL, work_pool_id), "name": name, **changes}
    return Action(label, "workQueueUpsert", "WorkQueueUpsertInput", "workQueue { paused }", given)


def change_pool(workspace_id: UUID, *, name: str, type_: str, label: str, **changes: Any) -> Action:
    """Return what changes a pool."""
    given = {
        "workspaceId": show(Kind.WORKSPACE, workspace_id),
        "name": name,
        "type": type_,
        **changes,
    }
    return Action(label, "workPoolUpsert", "WorkPoolUpsertInput", "workPool { paused }", given)


def raise_limit(workspace_id: UUID, *, name: str, limit: int) -> Action:
    """Return what gives a concurrency limit more slots."""
    given = {"workspaceId": show(Kind.WORKSPACE, workspace_id), "name": name, "limit": limit}
    return Action(
        f"Raise it to {limit:,}",
        "concurrencyLimitUpsert",
        "ConcurrencyLimitUpsertInput",
        "concurrencyLimit { limit }",
        given,
    )


def open_workspace(workspace_id: UUID) -> Action:
    """Return what opens an archived workspace again."""
    given = {"id": show(Kind.WORKSPACE, workspace_id), "archived": False}
    return Action(
        "Open the workspace",
        "workspaceArchive",
        "WorkspaceArchiveInput",
        "workspace { archivedAt }",
        given,
    )


def resume_organization(organization_id: UUID) -> Action:
    """Return what ends a suspension; only operators of the installation may."""
    given = {"id": show(Kind.ORGANIZATION, organization_id)}
    return Action(
        "Ask an operator to resume the organization",
        "organizationResume",
        "IdInput",
        "organization { id }",
        given,
    )


def raise_quota(organization_id: UUID, *, kind: str, limit: int) -> Action:
    """Return what raises a quota; only operators of the installation may."""
    given = {
        "id": show(Kind.ORGANIZATION, organization_id),
        "quotas": [{"kind": kind, "limit": limit}],
    }
    return Action(
        f"Ask an operator to raise it to {limit:,}",
        "organizationQuotasUpdate",
        "OrganizationQuotasUpdateInput",
        "quotas { kind limit }",
        given,
    )


def change_schedule(deployment: str, *, slug: str) -> Action:
    """Return what gives a schedule other parameters: which, only people know."""
    command = f"headgate schedules update {deployment} {slug} --param NAME=VALUE"
    return Action("Change its parameters", command=command)


def start_agent(pool_name: str) -> Action:
    """Return what brings an agent: no mutation can."""
    return Action("Start an agent", command=f"headgate agent start --pool {pool_name}")


def serve_task(task_key: str) -> Action:
    """Return what brings a worker: no mutation can."""
    return Action("Start a worker", command=f"headgate task serve path/file.py:{task_key}")
