"""Why a run is not running: quotas that only operators raise, and pauses that people answer."""

from dataclasses import replace

import pytest

from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain.ids import Kind, parse, show
from headgate_server.domain.leases import LeaseRef, PauseKind
from headgate_server.domain.pauses import NewPause
from headgate_server.domain.permissions import BuiltinRole, Scope
from headgate_server.domain.quotas import QuotaKind
from headgate_server.domain.states import StateType, propose
from headgate_server.services import object_counts, pauses, quotas
from headgate_server.services.flow_runs import change
from headgate_server.services.leases import hold
from tests.factories.agents import make_session
from tests.factories.members import make_member, make_member_token, within
from tests.factories.mutations import Json, mutate
from tests.fixtures.held_up_runs import WHY, Place, begin
from tests.fixtures.installations import PEPPER, shown
from tests.fixtures.sql import query
from tests.fixtures.world import LEASE

pytestmark = pytest.mark.anyio


async def limit(place: Place, kind: QuotaKind, most: int) -> None:
    """Set a quota as an operator, and have what is used counted."""
    async with place.installation.database.system() as work:
        await quotas.set_quotas(
            work, organization_id=place.tenant.organization_id, limits={kind: most}
        )
        await object_counts.count_changed(work)


async def test_a_quota_of_runs_at_once_is_told_and_raised_by_operators(place: Place) -> None:
    await place.make()
    (holder,) = await place.offer()
    run_id = await place.make()
    await limit(place, QuotaKind.RUNS_AT_ONCE, 1)

    (found,) = await place.why(run_id)
    none = await place.offer()
    given = found["action"]["variables"]["input"]
    await limit(place, QuotaKind(given["quotas"][0]["kind"]), given["quotas"][0]["limit"])

    assert (found["code"], none) == ("QUOTA", [])
    assert "has 1 runs at once with its agents, and 1 are there" in found["message"]
    assert "organizationQuotasUpdate" in found["action"]["mutation"]
    assert given["id"] == shown(Kind.ORGANIZATION, place.tenant.organization_id)
    assert [one["id"] for one in found["holders"]] == [show(Kind.FLOW_RUN, holder.run_id)]
    assert [show(Kind.FLOW_RUN, one.run_id) for one in await place.offer()] == [run_id]
    assert [one["code"] for one in await place.why(run_id)] == ["BEING_STARTED"]


async def test_a_quota_of_runs_at_once_counts_what_waits_in_other_pools(place: Place) -> None:
    given = {**place.here, "name": "other", "type": "process"}
    answer = await mutate(place.api, "workPoolUpsert", "workPool { id }", **given)
    other = answer["workPool"]["id"]
    pool_id = parse(other, kind=Kind.WORK_POOL)
    session_id = await make_session(place.installation.database, place.tenant, work_pool_id=pool_id)
    there = replace(place, pool_id=other, session_id=session_id)
    made = await place.deploy(name="there", workPoolName="other", entrypoint="flows.py:etl")
    there.deployment_id = made["id"]
    holder = await there.make()
    await there.offer()
    for _ in range(2):
        await there.make()
    run_id = await place.make()
    await limit(place, QuotaKind.RUNS_AT_ONCE, 1)

    (found,) = await place.why(run_id)
    (raised,) = found["action"]["variables"]["input"]["quotas"]
    await limit(place, QuotaKind.RUNS_AT_ONCE, raised["limit"])
    taken = await there.offer()

    assert (raised["limit"], len(taken)) == (4, 2)
    assert [one["id"] for one in found["holders"]] == [holder]
    assert [show(Kind.FLOW_RUN, one.run_id) for one in await place.offer()] == [run_id]


async def test_a_quota_of_runs_keeps_the_next_one_from_being_made(place: Place) -> None:
    spec = {"interval": {"every": "PT1M"}}
    found = await place.deploy(schedules=[{"slug": "often", "spec": spec}])
    await place.make()
    await limit(place, QuotaKind.RUNS_PER_MONTH, 1)

    (blocker,) = await place.why(found["schedules"][0]["id"])

    assert blocker["code"] == "QUOTA"
    assert "makes 1 runs until" in blocker["message"]
    assert blocker["expectedStart"] is not None
    assert blocker["action"]["variables"]["input"]["quotas"][0]["limit"] > 1


async def test_used_up_storage_keeps_the_next_run_of_a_schedule_from_being_made(
    place: Place,
) -> None:
    spec = {"interval": {"every": "PT1M"}}
    found = await place.deploy(schedules=[{"slug": "often", "spec": spec}])
    await place.make()
    await limit(place, QuotaKind.STORED_BYTES, 1)

    (blocker,) = await place.why(found["schedules"][0]["id"])

    assert blocker["code"] == "QUOTA"
    assert "may store 1 bytes" in blocker["message"]
    assert blocker["expectedStart"] is None
    assert blocker["action"]["variables"]["input"]["quotas"][0]["limit"] > 1


@pytest.mark.parametrize("schema", [None, {"type": "object"}])
async def test_a_paused_run_is_resumed_by_the_action_or_says_how(
    place: Place, schema: Json | None
) -> None:
    run = await begin(place)
    run_id, own = run["flowRun"]["id"], place.installation.holding(run["runToken"])
    lease = {**run["lease"], "leaseToken": run["leaseToken"]}
    state = {"type": "RUNNING"}
    await mutate(own, "flowRunSetState", "accepted", id=run_id, state=state, lease=lease)
    await mutate(own, "flowRunPause", "pause { key }", lease=lease, key="1", schema=schema)

    (blocker,) = await place.why(run_id)
    if schema is None:
        await place.act(blocker)

    assert blocker["code"] == "PAUSED"
    if schema is None:
        assert await place.why(run_id) == []
    else:
        command = f"headgate flow-runs resume {run_id} --param NAME=VALUE"
        assert blocker["action"] == {"label": "Answer it", "command": command}


async def ask(place: Place, approvers: Json) -> str:
    """Begin a run that waits for an answer; its id."""
    run = await begin(place)
    run_id, own = run["flowRun"]["id"], place.installation.holding(run["runToken"])
    lease = {**run["lease"], "leaseToken": run["leaseToken"]}
    state = {"type": "RUNNING"}
    await mutate(own, "flowRunSetState", "accepted", id=run_id, state=state, lease=lease)
    await mutate(own, "flowRunPause", "pause { key }", lease=lease, key="1", approvers=approvers)
    return str(run_id)


async def test_an_approval_names_who_may_answer_and_offers_it_to_them_alone(place: Place) -> None:
    names = {"people": ["boss@example.com"], "roles": ["Operator"]}
    theirs = await ask(place, names)
    own = await ask(place, {"fourEyes": True})
    (stranger,) = await place.why(theirs)
    (starter,) = await place.why(own)
    held = within(BuiltinRole.OPERATOR, place.tenant.workspace_id)
    database = place.installation.database
    ann = await make_member(database, place.tenant, held)
    token = await make_member_token(database, place.tenant, ann, pepper=PEPPER)
    hers = place.installation.holding(token)
    seeing = await place.installation.client(place.tenant, scopes=[Scope.RUNS_READ], is_bound=False)
    (seen,) = (await seeing.execute(WHY, id=await ask(place, {}))).data["node"]["whyNotRunning"]
    (named,) = (await hers.execute(WHY, id=theirs)).data["node"]["whyNotRunning"]
    (other,) = (await hers.execute(WHY, id=own)).data["node"]["whyNotRunning"]

    assert (stranger["code"], stranger["action"]) == ("PAUSED", None)
    assert "until the role Operator or boss@example.com resumes it" in stranger["message"]
    assert (starter["code"], starter["action"]) == ("PAUSED", None)
    assert (seen["code"], seen["action"]) == ("PAUSED", None)
    assert "Whoever started it may not" in starter["message"]
    for blocker in (named, other):
        action = blocker["action"]
        assert action["variables"]["input"]["pauseKey"] == "1"
        answer = await hers.execute(action["mutation"], **action["variables"])
        assert answer.data["flowRunResume"]["errors"] == []


async def test_a_suspended_run_without_a_place_is_not_offered_to_be_resumed(
    place: Place, urls: DatabaseUrls
) -> None:
    run_id = await place.make()
    (offer,) = await place.offer()
    async with place.installation.database.tenant(
        place.tenant.owner, place.tenant.workspace_id
    ) as work:
        lease = LeaseRef(offer.run_id, offer.token, offer.epoch)
        await hold.claim_run(work, session_id=place.session_id, lease=lease, duration=LEASE)
        running = propose(StateType.RUNNING)
        await change.set_state(work, run_id=lease.run_id, state=running, lease=lease, key=None)
        await pauses.pause_run(work, lease=lease, new=NewPause("1", kind=PauseKind.SUSPEND))
    await query(urls.owner, "delete from deployments")

    (blocker,) = await place.why(run_id)
    await place.act(blocker)

    assert blocker["code"] == "NO_POOL"
    assert blocker["action"]["label"] == "Cancel the run"
    assert await place.why(run_id) == []
