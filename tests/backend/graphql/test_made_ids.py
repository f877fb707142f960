"""Runs that their process began a while ago, under ids of its own, and tells of now."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from headgate_server.domain import ids
from tests.factories.tenants import Tenant
from tests.fixtures.api import ApiClient
from tests.fixtures.installations import Installation, shown

pytestmark = pytest.mark.anyio

BEGIN = """mutation ($input: FlowRunBeginInput!) { flowRunBegin(input: $input) {
  flowRun { id expectedStart state { timestamp } } lease { runId epoch } leaseToken runToken
  errors { __typename code message path } } }"""
SET_STATE = """mutation ($input: RunSetStateInput!) { flowRunSetState(input: $input) {
  accepted errors { code message } } }"""
RUN = """query ($id: ID!) { flowRun(id: $id) { startedAt endedAt attempts { startedAt endedAt }
  stateHistory { nodes { name timestamp } } } }"""


def made_at(instant: datetime) -> UUID:
    """Return a UUIDv7 that was made at an instant."""
    milliseconds = int(instant.timestamp() * 1000)
    return UUID(int=(milliseconds << 80) | (ids.new_id().int & ~(0xFFFFFFFFFFFF << 80)))


def said(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def begun(tenant: Tenant, id_: UUID, **more: Any) -> dict[str, Any]:
    return {
        "workspaceId": shown(ids.Kind.WORKSPACE, tenant.workspace_id),
        "flowName": "etl",
        "clientId": str(uuid4()),
        "id": shown(ids.Kind.FLOW_RUN, id_),
        **more,
    }


async def begin(api: ApiClient, **input_: Any) -> dict[str, Any]:
    return (await api.execute(BEGIN, input=input_)).data["flowRunBegin"]


def hours_ago(hours: float) -> datetime:
    return datetime.fromtimestamp(int(time.time()), tz=UTC) - timedelta(hours=hours)


async def test_a_run_is_begun_under_the_ids_that_its_process_made(
    api: ApiClient, tenant: Tenant, installation: Installation
) -> None:
    id_, token = ids.new_id(), str(uuid4())

    answer = await begin(api, **begun(tenant, id_, leaseToken=token))

    assert answer["errors"] == []
    assert answer["flowRun"]["id"] == shown(ids.Kind.FLOW_RUN, id_)
    assert answer["leaseToken"] == token
    lease = {"runId": answer["flowRun"]["id"], "leaseToken": token, "epoch": 1}
    run = installation.holding(answer["runToken"])
    proposal = {"id": lease["runId"], "state": {"type": "RUNNING"}, "lease": lease}
    moved = await run.execute(SET_STATE, input=proposal)
    assert moved.data["flowRunSetState"] == {"accepted": True, "errors": []}


async def test_a_begin_that_is_told_again_later_is_the_same(api: ApiClient, tenant: Tenant) -> None:
    input_ = begun(tenant, ids.new_id(), idempotencyKey="k", leaseToken=str(uuid4()))

    first = await begin(api, **input_, sentAt=said(hours_ago(0.1)))
    second = await begin(api, **input_, sentAt=said(hours_ago(0)))

    assert first["errors"] == second["errors"] == []
    assert first["leaseToken"] == second["leaseToken"]
    assert first["flowRun"]["id"] == second["flowRun"]["id"]


@pytest.mark.parametrize("skew_hours", [0, 24, -24])
async def test_a_run_that_began_long_ago_keeps_its_times(
    api: ApiClient, tenant: Tenant, installation: Installation, skew_hours: int
) -> None:
    skew, sent_at = timedelta(hours=skew_hours), hours_ago(0)
    began_at, ran_at, ended_at = hours_ago(3), hours_ago(2.5), hours_ago(1)
    answer = await begin(
        api, **begun(tenant, made_at(began_at + skew), sentAt=said(sent_at + skew))
    )
    run_id = answer["flowRun"]["id"]
    lease = {"runId": run_id, "leaseToken": answer["leaseToken"], "epoch": 1}
    run = installation.holding(answer["runToken"])

    for type_, at in (("RUNNING", ran_at), ("COMPLETED", ended_at)):
        state = {"type": type_, "timestamp": said(at + skew), "sentAt": said(sent_at + skew)}
        moved = await run.execute(SET_STATE, input={"id": run_id, "state": state, "lease": lease})
        assert moved.data["flowRunSetState"]["accepted"] is True

    seen = (await api.execute(RUN, id=run_id)).data["flowRun"]
    times = [state["timestamp"] for state in seen["stateHistory"]["nodes"]]
    (attempt,) = seen["attempts"]
    near = timedelta(seconds=20)
    for found, wanted in (
        *zip(times, (began_at, ran_at, ended_at), strict=True),
        (seen["startedAt"], ran_at),
        (seen["endedAt"], ended_at),
        (attempt["startedAt"], ran_at),
        (attempt["endedAt"], ended_at),
        (answer["flowRun"]["expectedStart"], began_at),
    ):
        assert abs(datetime.fromisoformat(found) - wanted) < near, (found, wanted)


async def test_an_instant_that_is_far_from_now_and_nothing_else_is_now(
    api: ApiClient, tenant: Tenant
) -> None:
    answer = await begin(api, **begun(tenant, made_at(hours_ago(3))))

    at = datetime.fromisoformat(answer["flowRun"]["state"]["timestamp"])
    assert abs(at - hours_ago(0)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": shown(ids.Kind.FLOW_RUN, uuid4())},
        {"id": shown(ids.Kind.FLOW_RUN, made_at(hours_ago(31 * 24)))},
        {"id": shown(ids.Kind.FLOW_RUN, made_at(hours_ago(-26)))},
        {"id": shown(ids.Kind.TASK_RUN, ids.new_id())},
        {"leaseToken": "secret"},
        {"leaseToken": str(ids.new_id())},
    ],
)
async def test_ids_that_no_process_made_now_are_refused(
    api: ApiClient, tenant: Tenant, wrong: dict[str, str]
) -> None:
    answer = await begin(api, **(begun(tenant, ids.new_id()) | wrong))

    (error,) = answer["errors"]
    assert error["code"] == "INVALID"
    assert answer["flowRun"] is None


async def test_an_id_is_one_run_s_whoever_has_it(
    api: ApiClient, tenant: Tenant, installation: Installation
) -> None:
    stranger = await installation.tenant()
    theirs, taken = ids.new_id(), ids.new_id()
    await begin(await installation.client(stranger), **begun(stranger, theirs))
    await begin(api, **begun(tenant, taken))

    own = await begin(api, **begun(tenant, taken))
    foreign = await begin(api, **begun(tenant, theirs))

    assert own == foreign
    (error,) = own["errors"]
    assert (error["code"], error["path"]) == ("CONFLICT", ["id"])
    assert own["flowRun"] is None
