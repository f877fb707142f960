"""Why a run is not running: quotas that only operators raise, and pauses that people answer."""

import pytest

from headgate_server.domain.ids import Kind, show
from headgate_server.domain.quotas import QuotaKind
from headgate_server.services import object_counts, quotas
from tests.factories.mutations import Json, mutate
from tests.fixtures.held_up_runs import Place, begin
from tests.fixtures.installations import shown

pytestmark = pytest.mark.anyio


async def limit(place: Place, kind: QuotaKind, most: int) -> None:
    """Set a quota as an operator, and have what is used counted."""
    async with place.installation.database.system() as work:
        await quotas.set_quotas(
            work, organization_id=place.tenant.organization_id, limits={kind: most}
        )
    await object_counts.count_changed(place.installation.database)


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
