"""Background tasks through the API: pushed to workers, followed by callers, kept from runs."""

from uuid import uuid4

import pytest

from headgate_server.domain.ids import Kind, new_id
from tests.factories.estates import Estate
from tests.factories.mutations import Json, mutate
from tests.fixtures.api import ApiClient, open_socket, serve
from tests.fixtures.installations import Installation, shown

pytestmark = pytest.mark.anyio

WORK = """subscription ($id: ID!, $worker: ID!) {
  backgroundTaskWork(workspaceId: $id, workerId: $worker, taskKeys: ["pushed"], limit: 1) {
    offers { task { id parameters } leaseToken epoch } } }"""
FOLLOW = """subscription ($id: ID!, $task: ID!) {
  backgroundTaskUpdates(workspaceId: $id, id: $task) { stateName result } }"""


async def queue(client: ApiClient, estate: Estate, **given: object) -> str:
    made = await mutate(
        client,
        "backgroundTaskCreate",
        "task { id }",
        workspaceId=estate.ids[Kind.WORKSPACE],
        id=shown(Kind.BACKGROUND_TASK, new_id()),
        taskKey="pushed",
        name="pushed-1",
        parameters={"value": {"x": 1}},
        **given,
    )
    task_id: str = made["task"]["id"]
    return task_id


def code_of(answer: Json) -> str:
    (error,) = answer["payload"]["errors"]
    return error["extensions"]["code"]


async def test_call_is_pushed_to_a_worker_and_its_end_to_the_caller(
    installation: Installation, estate: Estate
) -> None:
    place = {"workspaceId": estate.ids[Kind.WORKSPACE]}
    async with (
        serve(installation.app) as address,
        open_socket(address, token=estate.bound.token) as worker,
        open_socket(address, token=estate.bound.token) as caller,
    ):
        await worker.subscribe(WORK, id=place["workspaceId"], worker=str(uuid4()))
        opened = await worker.receive()
        task_id = await queue(estate.bound, estate)
        pushed = await worker.receive()
        await caller.subscribe(FOLLOW, id=place["workspaceId"], task=task_id)
        taken = await caller.receive()
        (offer,) = pushed["payload"]["data"]["backgroundTaskWork"]["offers"]
        lease = {"id": task_id, "leaseToken": offer["leaseToken"], "epoch": offer["epoch"]}
        await mutate(estate.bound, "backgroundTaskStart", "task { id }", **place, lease=lease)
        running = await caller.receive()
        done = {"lease": lease, "state": {"type": "COMPLETED"}, "result": {"value": 2}}
        await mutate(estate.bound, "backgroundTaskFinish", "task { id }", **place, **done)
        ended, complete = await caller.receive(), await caller.receive()

    assert opened["payload"]["data"]["backgroundTaskWork"]["offers"] == []
    assert offer["task"] == {"id": task_id, "parameters": {"value": {"x": 1}}}
    told = [one["payload"]["data"]["backgroundTaskUpdates"] for one in (taken, running, ended)]
    assert [one["stateName"] for one in told] == ["Pending", "Running", "Completed"]
    assert (told[-1]["result"], complete["type"]) == ({"value": 2}, "complete")


async def test_run_follows_what_it_has_queued_and_nothing_else(
    installation: Installation, estate: Estate
) -> None:
    place = estate.ids[Kind.WORKSPACE]
    own, foreign = await queue(estate.run, estate), await queue(estate.bound, estate)
    token = estate.own_run["runToken"]
    async with serve(installation.app) as address, open_socket(address, token=token) as socket:
        await socket.subscribe(FOLLOW, id=place, task=own)
        followed = await socket.receive()
    async with serve(installation.app) as address, open_socket(address, token=token) as socket:
        refused, _ = await socket.run(FOLLOW, id=place, task=foreign)

    assert followed["payload"]["data"]["backgroundTaskUpdates"]["stateName"] == "Scheduled"
    assert code_of(refused) == "NOT_FOUND"


async def test_run_takes_and_ends_no_calls(installation: Installation, estate: Estate) -> None:
    place = {"workspaceId": estate.ids[Kind.WORKSPACE]}
    lease = {"lease": estate.held_task}
    token = estate.own_run["runToken"]
    async with serve(installation.app) as address, open_socket(address, token=token) as socket:
        refused, _ = await socket.run(WORK, id=place["workspaceId"], worker=str(uuid4()))
    codes: list[str] = []
    for field, input_type, given in (
        ("backgroundTaskStart", "BackgroundTaskStartInput", lease),
        ("backgroundTasksRenew", "BackgroundTasksRenewInput", {"leases": [estate.held_task]}),
        (
            "backgroundTaskFinish",
            "BackgroundTaskFinishInput",
            {**lease, "state": {"type": "COMPLETED"}},
        ),
    ):
        document = (
            f"mutation ($input: {input_type}!) {{ {field}(input: $input) {{ errors {{ code }} }} }}"
        )
        answer = (await estate.run.execute(document, input={**place, **given})).data[field]
        codes += [error["code"] for error in answer["errors"]]

    assert code_of(refused) == "FORBIDDEN"
    assert codes == ["FORBIDDEN"] * 3


LIMIT = """query ($id: ID!, $task: ID!) {
  limit: node(id: $id) { ... on ConcurrencyLimit {
    holders { slots run { id } backgroundTask { id name } }
    waiters { position since priority run { id } backgroundTask { id } } } }
  task: node(id: $task) { ... on BackgroundTask { whyNotRunning {
    code queuePosition backgroundTasks { id } } } } }"""


async def test_limit_names_the_task_that_holds_it_and_what_waits_for_it(estate: Estate) -> None:
    place = {"workspaceId": estate.ids[Kind.WORKSPACE]}
    made = await mutate(
        estate.bound,
        "concurrencyLimitUpsert",
        "concurrencyLimit { id }",
        **place,
        name="gpu",
        limit=1,
        taskTag="gpu",
    )
    waiting = await queue(estate.bound, estate, tags=["gpu"])

    async def acquire(api: ApiClient, **given: object) -> bool:
        wanted = {**place, "names": ["gpu"], "ttl": "PT60S", "idempotencyKey": str(uuid4())}
        asked = {**wanted, "wait": "PT0.001S", **given}
        return (await mutate(api, "concurrencyAcquire", "acquired", **asked))["acquired"]

    held = [await acquire(estate.bound, holderTask=estate.held_task), await acquire(estate.run)]
    ids_ = {"id": made["concurrencyLimit"]["id"], "task": waiting}
    found = (await estate.bound.execute(LIMIT, **ids_)).data

    assert held == [True, False]
    (holder,), (waiter,) = found["limit"]["holders"], found["limit"]["waiters"]
    task = {"id": estate.held_task["id"], "name": "double-1"}
    assert holder == {"slots": 1, "run": None, "backgroundTask": task}
    assert (waiter["position"], waiter["priority"], waiter["backgroundTask"]) == (1, 0, None)
    assert waiter["run"] == {"id": estate.own_run["lease"]["runId"]}
    cause, unserved = found["task"]["whyNotRunning"]
    assert (cause["code"], cause["queuePosition"], unserved["code"]) == (
        "TAG_LIMIT",
        1,
        "NO_WORKER",
    )
    assert cause["backgroundTasks"] == [{"id": estate.held_task["id"]}]
