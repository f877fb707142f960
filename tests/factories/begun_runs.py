"""Runs in their caller's own process, with what they report and ask: parts of an estate."""

from uuid import uuid4

from headgate_server.domain import ids
from tests.factories.artifacts import leave_all
from tests.factories.mutations import Json, log_report, mutate, task_report
from tests.fixtures.api import ApiClient
from tests.fixtures.installations import Installation, shown


async def begin(api: ApiClient, found: dict[ids.Kind, str]) -> Json:
    begun = await mutate(
        api,
        "flowRunBegin",
        "flowRun { id flow { id } } lease { runId epoch } leaseToken runToken",
        workspaceId=found[ids.Kind.WORKSPACE],
        flowName="local",
        clientId=str(uuid4()),
    )
    found[ids.Kind.FLOW_RUN] = begun["flowRun"]["id"]
    lease = {**begun["lease"], "leaseToken": begun["leaseToken"]}
    flow_id = begun["flowRun"]["flow"]["id"]
    return {"lease": lease, "runToken": begun["runToken"], "flowId": flow_id}


async def pause(installation: Installation, api: ApiClient, found: dict[ids.Kind, str]) -> str:
    """Begin a run that asks for an answer, and was sent an input."""
    paused = await begin(api, dict(found))
    run, lease = installation.holding(paused["runToken"]), paused["lease"]
    run_id: str = lease["runId"]
    state = {"type": "RUNNING"}
    await mutate(run, "flowRunSetState", "accepted", id=run_id, state=state, lease=lease)
    await mutate(run, "flowRunPause", "pause { key }", lease=lease, key="1")
    sent = {"keyset": "k", "messageId": "1", "payload": {"city": "Rome"}}
    await mutate(run, "runInputSend", "runInput { payload }", flowRunId=run_id, **sent)
    return run_id


async def hear(installation: Installation, api: ApiClient, found: dict[ids.Kind, str]) -> str:
    """Begin a run whose process hears when it is asked to pause."""
    begun = await begin(api, dict(found))
    run, lease = installation.holding(begun["runToken"]), begun["lease"]
    run_id: str = lease["runId"]
    state = {"type": "RUNNING", "details": {"hears": ["PAUSE"]}}
    await mutate(run, "flowRunSetState", "accepted", id=run_id, state=state, lease=lease)
    return run_id


async def report_task(run: ApiClient, own_run: Json, found: dict[ids.Kind, str]) -> None:
    task_id = shown(ids.Kind.TASK_RUN, ids.new_id())
    await mutate(run, "taskRunSync", "accepted", **task_report(own_run["lease"], task_id))
    found[ids.Kind.TASK_RUN] = task_id
    lease = own_run["lease"]
    await mutate(run, "logsAppend", "nextOffset", **log_report(lease["runId"], task_id))
    found |= await leave_all(run, lease, task_id)
    await mutate(
        run,
        "flowRunBegin",
        "flowRun { id }",
        workspaceId=found[ids.Kind.WORKSPACE],
        flowName="child",
        clientId=str(uuid4()),
        parentTaskRunId=task_id,
    )
