"""Why a run is not running: every cause made for real, named, and ended by the action offered."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from headgate_server.domain.ids import Kind, parse, show
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.states import StateType, propose
from headgate_server.services import blockers, closing
from headgate_server.services.leases import hold
from headgate_server.services.schedules.fire import materialise
from headgate_server.services.transitions import transition
from headgate_server.settings import Timers
from tests.factories.mutations import mutate
from tests.fixtures.held_up_runs import Place, begin

pytestmark = pytest.mark.anyio


async def start_time(place: Place) -> str:
    async with place.installation.database.system() as work:
        later = work.now + timedelta(hours=1)
    return await place.make(expectedStart=later.isoformat())


async def bouncing(place: Place) -> str:
    run_id = await place.make()
    (offered,) = await place.offer()
    async with place.installation.database.system(workspace_id=place.tenant.workspace_id) as work:
        await hold.decline_run(
            work,
            session_id=place.session_id,
            reason="no disk",
            lease=LeaseRef(offered.run_id, offered.token, offered.epoch),
            retry_after=timedelta(minutes=5),
        )
    return run_id


async def retry_delay(place: Place) -> str:
    await place.deploy(onAgentLost="RETRY")
    run_id = await place.make()
    (offered,) = await place.offer()
    lease = LeaseRef(offered.run_id, offered.token, offered.epoch)
    async with place.installation.database.system(workspace_id=place.tenant.workspace_id) as work:
        session_id, duration = place.session_id, Timers().lease
        await hold.claim_run(work, session_id=session_id, lease=lease, duration=duration)
        gone = propose(StateType.CRASHED, message="The container is gone.")
        await transition(work, run_id=lease.run_id, proposal=hold.check_release(lease, gone))
    return run_id


async def paused_deployment(place: Place) -> str:
    run_id = await place.make()
    await mutate(place.api, "deploymentPause", "created", id=place.deployment_id, paused=True)
    return run_id


async def deployment_limit(place: Place) -> str:
    await place.deploy(concurrencyLimit=1)
    await place.make()
    await place.offer()
    await place.make()
    return await place.make()


async def shut_deployment(place: Place) -> str:
    await place.deploy(concurrencyLimit=0)
    return await place.make()


async def collision(place: Place) -> str:
    await place.deploy(concurrencyLimit=1, onCollision="CANCEL_NEW")
    await place.make()
    (offered,) = await place.offer()
    run_id = await place.make()
    await mutate(
        place.api,
        "flowRunSetState",
        "accepted",
        id=show(Kind.FLOW_RUN, offered.run_id),
        state={"type": "CANCELLED"},
        force=True,
    )
    return run_id


async def paused_queue(place: Place) -> str:
    given = {"workPoolId": place.pool_id, "name": "default"}
    await mutate(place.api, "workQueueUpsert", "workQueue { id }", **given, paused=True)
    return await place.make()


async def queue_limit(place: Place) -> str:
    given = {"workPoolId": place.pool_id, "name": "default"}
    await mutate(place.api, "workQueueUpsert", "workQueue { id }", **given, concurrencyLimit=1)
    await place.make()
    await place.offer()
    await place.make()
    return await place.make()


async def paused_pool(place: Place) -> str:
    given = {**place.here, "name": "pool", "type": "process"}
    await mutate(place.api, "workPoolUpsert", "workPool { id }", **given, paused=True)
    return await place.make()


async def pool_limit(place: Place) -> str:
    given = {**place.here, "name": "pool", "type": "process"}
    await mutate(place.api, "workPoolUpsert", "workPool { id }", **given, concurrencyLimit=1)
    await place.make()
    await place.offer()
    await place.make()
    return await place.make()


async def archived(place: Place) -> str:
    run_id = await place.make()
    given = {"id": place.here["workspaceId"], "archived": True}
    await mutate(place.api, "workspaceArchive", "workspace { id }", **given)
    return run_id


CAUSES: dict[str, Callable[[Place], Awaitable[str]]] = {
    "START_TIME_AHEAD": start_time,
    "OFFER_BOUNCING": bouncing,
    "RETRY_DELAY": retry_delay,
    "DEPLOYMENT_PAUSED": paused_deployment,
    "DEPLOYMENT_LIMIT": deployment_limit,
    "COLLISION": collision,
    "QUEUE_PAUSED": paused_queue,
    "QUEUE_LIMIT": queue_limit,
    "POOL_PAUSED": paused_pool,
    "POOL_LIMIT": pool_limit,
    "WORKSPACE_ARCHIVED": archived,
}


@pytest.mark.parametrize("code", CAUSES)
async def test_each_cause_is_named_and_its_action_starts_the_run(place: Place, code: str) -> None:
    run_id = await CAUSES[code](place)

    found = await place.why(run_id)
    refused = [one.run_id for one in await place.offer()]
    await place.act(found[0])
    started = [show(Kind.FLOW_RUN, one.run_id) for one in await place.offer()]

    assert [one["code"] for one in found] == [code]
    assert refused == []
    assert run_id in started
    if code.endswith("_LIMIT"):
        assert (len(found[0]["holders"]), found[0]["queuePosition"]) == (1, 1)
    assert [one["code"] for one in await place.why(run_id)] == ["BEING_STARTED"]


async def test_a_deployment_that_is_shut_is_opened_by_the_action(place: Place) -> None:
    run_id = await shut_deployment(place)

    (blocker,) = await place.why(run_id)
    await place.act(blocker)

    assert blocker["code"] == "DEPLOYMENT_LIMIT"
    assert len(await place.offer()) == 1


async def test_a_suspended_organization_is_resumed_by_operators(place: Place) -> None:
    run_id = await place.make()
    async with place.installation.database.system() as work:
        await closing.suspend_organization(
            work, id_=place.tenant.organization_id, reason="The bill is open."
        )

    async with place.installation.database.system(workspace_id=place.tenant.workspace_id) as work:
        (found,) = await blockers.list_blockers(
            work, run_id=parse(run_id, kind=Kind.FLOW_RUN), silent_for=timedelta(seconds=45)
        )
        none = await place.offer()
        await closing.resume_organization(work, id_=place.tenant.organization_id)

    assert (found.code, none) == ("ORGANIZATION_SUSPENDED", [])
    assert "The bill is open." in found.message
    assert found.action is not None
    assert found.action.mutation == "organizationResume"
    assert len(await place.offer()) == 1


async def test_without_an_agent_or_room_it_says_what_to_start(place: Place) -> None:
    run_id = await place.make()
    await place.change_session(state="PAUSED")
    (resting,) = await place.why(run_id)
    await place.change_session(state="ONLINE", capacity=1)
    holder = show(Kind.FLOW_RUN, (await place.offer())[0].run_id)
    waiting = await place.make()
    (full,) = await place.why(waiting)

    assert resting["code"] == "NO_AGENT"
    assert "1 are connected" in resting["message"]
    assert resting["action"]["command"] == "headgate agent start --pool pool"
    assert (full["code"], [one["id"] for one in full["holders"]]) == ("NO_ROOM", [holder])
    await place.change_session(capacity=2)
    assert [show(Kind.FLOW_RUN, one.run_id) for one in await place.offer()] == [waiting]


async def test_a_paused_schedule_says_so_and_its_action_makes_the_next_run(place: Place) -> None:
    spec = {"interval": {"every": "PT1M"}}
    schedule = {"slug": "often", "spec": spec, "active": False}
    found = await place.deploy(schedules=[schedule])
    schedule_id = found["schedules"][0]["id"]

    (blocker,) = await place.why(schedule_id)
    await place.act(blocker)
    async with place.installation.database.system() as work:
        made = await materialise(work, horizon=timedelta(minutes=5), limit=10)

    assert blocker["code"] == "SCHEDULE_PAUSED"
    assert (made, await place.why(schedule_id)) == (1, [])


async def test_a_schedule_whose_parameters_are_refused_by_now_says_so_until_it_has_others(
    place: Place,
) -> None:
    schedule = {"slug": "often", "spec": {"interval": {"every": "PT1M"}}}
    number, text = ({"properties": {"n": {"type": one}}} for one in ("integer", "string"))
    found = await place.deploy(
        parameterSchema=number, schedules=[{**schedule, "parameters": {"n": 1}}]
    )
    schedule_id = found["schedules"][0]["id"]
    fits = await place.why(schedule_id)

    await place.deploy(parameterSchema=text)
    (blocker,) = await place.why(schedule_id)
    await place.deploy(schedules=[{**schedule, "parameters": {"n": "one"}}])

    assert fits == []
    assert blocker["code"] == "PARAMETERS_REFUSED"
    assert "n" in blocker["message"].partition(":")[2]
    command = "headgate schedules update etl/daily often --param NAME=VALUE"
    assert blocker["action"] == {"label": "Change its parameters", "command": command}
    assert await place.why(schedule_id) == []


@pytest.mark.parametrize("tag", [None, "db"])
async def test_slots_that_code_waits_for_have_holders_and_a_place(
    place: Place, tag: str | None
) -> None:
    upsert = {**place.here, "name": "database", "limit": 1, "taskTag": tag}
    await mutate(place.api, "concurrencyLimitUpsert", "created", **upsert)
    begun = [await begin(place) for _ in range(2)]
    asked = {**place.here, "names": ["database"], "ttl": "PT1M", "idempotencyKey": "a"}
    holder, waiter = [place.installation.holding(one["runToken"]) for one in begun]
    await mutate(holder, "concurrencyAcquire", "acquired", **asked)
    refused = await mutate(waiter, "concurrencyAcquire", "acquired ahead", **asked, wait="PT0.1S")

    blocker = (await place.why(begun[1]["flowRun"]["id"]))[0]
    await place.act(blocker)
    taken = await mutate(waiter, "concurrencyAcquire", "acquired", **asked, wait="PT5S")

    assert blocker["code"] == ("TAG_LIMIT" if tag else "GLOBAL_LIMIT")
    assert [one["id"] for one in blocker["holders"]] == [begun[0]["flowRun"]["id"]]
    assert (refused["acquired"], taken["acquired"]) == (False, True)


async def test_the_whole_chain_is_told_nearest_first_in_few_statements(
    place: Place, statements: list[str]
) -> None:
    run_id = await deployment_limit(place)
    await paused_queue(place)
    await paused_pool(place)
    await place.change_session(state="PAUSED")
    statements.clear()

    found = await place.why(run_id)

    asked = [one for one in statements if "set_config" not in one]
    assert [one["code"] for one in found] == [
        "DEPLOYMENT_LIMIT",
        "QUEUE_PAUSED",
        "POOL_PAUSED",
        "NO_AGENT",
    ]
    assert len([one for one in asked if "work_items" in one or "mean" in one]) <= 4
