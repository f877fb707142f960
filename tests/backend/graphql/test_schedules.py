"""Schedules, retention and deletions through the API."""

from datetime import timedelta
from typing import Any

import pytest

from headgate_server.domain.clock import SystemClock
from headgate_server.domain.ids import Kind
from headgate_server.domain.permissions import READ_SCOPES
from headgate_server.services import closing
from headgate_server.services.schedules.fire import materialise
from tests.factories.estates import Estate
from tests.factories.mutations import mutate
from tests.fixtures.api import ApiClient
from tests.fixtures.installations import Installation

pytestmark = pytest.mark.anyio

PREVIEW = """query ($spec: ScheduleSpecInput!, $first: Int!) {
  schedulePreview(spec: $spec, first: $first) {
    description timezone fires { at wallClock note } error { message path position } } }"""
RULE = "DTSTART:20200106T090000\nFREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"
SCHEDULE = """schedule { id description missedCount upcoming(first: 3) { wallClock note }
  spec { __typename ... on RRuleSpec { rrule start } } nextAt version }"""


async def preview(api: ApiClient, spec: dict[str, Any], *, first: int = 2) -> Any:
    return (await api.execute(PREVIEW, spec=spec, first=first)).data["schedulePreview"]


async def refusals(api: ApiClient, field: str, id_: str) -> list[Any]:
    document = (
        f"mutation ($input: DeleteInput!) {{ {field}(input: $input) {{ deletedId errors "
        "{ __typename code message ... on ConflictError { existing { id } } } } }"
    )
    payload = (await api.execute(document, input={"id": id_})).data[field]
    assert (payload["deletedId"] is None) == bool(payload["errors"])
    return payload["errors"]


async def test_specification_is_previewed_without_being_stored(estate: Estate) -> None:
    good = await preview(estate.bound, {"rrule": {"rrule": RULE, "timezone": "Europe/Berlin"}})
    bad = await preview(estate.bound, {"cron": {"cron": "0 6 * * MOO"}})
    zone = await preview(estate.bound, {"cron": {"cron": "0 6 * * *", "timezone": "Mars"}})
    many = await preview(estate.bound, {"interval": {"every": "PT1H"}}, first=101)

    assert (good["description"], good["error"]) == ("every weekday at 09:00 Europe/Berlin", None)
    assert [fire["wallClock"][11:16] for fire in good["fires"]] == ["09:00", "09:00"]
    assert (bad["fires"], bad["description"]) == ([], None)
    assert bad["error"]["path"] == ["spec", "cron", "cron"]
    assert bad["error"]["position"] == 8
    assert zone["error"]["path"] == ["spec", "timezone"]
    assert many["error"]["path"] == ["first"]


@pytest.mark.parametrize(
    "spec",
    [
        {"rrule": {"rrule": "FREQ=YEARLY;BYWEEKNO=1;BYYEARDAY=366;BYDAY=MO"}},
        {"rrule": {"rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO"}},
        {"cron": {"cron": "0 0 29 2 1", "dayOr": False}},
    ],
)
async def test_what_fires_once_in_decades_is_shown_for_half_a_century(
    estate: Estate, spec: dict[str, Any]
) -> None:
    fires = (await preview(estate.bound, spec, first=100))["fires"]

    years = [int(fire["at"][:4]) for fire in fires]
    assert 1 <= len(years) <= 2
    assert years[-1] <= years[0] + 28


async def test_rule_is_stored_shown_and_looked_ahead(estate: Estate) -> None:
    given = {"deploymentId": estate.ids[Kind.DEPLOYMENT], "slug": "weekdays"}
    spec = {"rrule": {"rrule": RULE, "timezone": "Europe/Berlin"}}
    made = (await mutate(estate.bound, "scheduleUpsert", SCHEDULE, **given, spec=spec))["schedule"]
    again = (await mutate(estate.bound, "scheduleUpsert", SCHEDULE, **given, spec=spec))["schedule"]

    assert again == made
    assert made["spec"] == {"__typename": "RRuleSpec", "rrule": RULE, "start": None}
    assert made["description"] == "every weekday at 09:00 Europe/Berlin"
    assert [fire["wallClock"][11:16] for fire in made["upcoming"]] == ["09:00"] * 3
    assert made["nextAt"] is not None


AHEAD = """query ($id: ID!) { node(id: $id) { ... on Schedule {
  status nextAt upcoming { at wallClock } } } }"""


async def test_runs_that_wait_are_ahead_and_the_status_says_why_nothing_is(
    installation: Installation, estate: Estate
) -> None:
    deployment, workspace = estate.ids[Kind.DEPLOYMENT], estate.tenant.workspace_id
    start = SystemClock().now().replace(microsecond=0) + timedelta(minutes=2)
    times = [
        f"{start + number * timedelta(minutes=1):%Y-%m-%dT%H:%M:%S.000000Z}" for number in range(3)
    ]
    given = {"deploymentId": deployment, "slug": "last"}
    ahead = {"rrule": {"rrule": f"DTSTART:{start:%Y%m%dT%H%M%SZ}\nFREQ=MINUTELY;COUNT=3"}}
    over = {"rrule": {"rrule": "DTSTART:20200106T090000Z\nFREQ=MINUTELY;COUNT=3"}}

    async def put(spec: dict[str, Any], *, active: bool = True) -> list[Any]:
        made = await mutate(
            estate.bound, "scheduleUpsert", SCHEDULE, **given, spec=spec, active=active
        )
        async with installation.database.system() as work:
            await materialise(work, horizon=timedelta(minutes=15), limit=50)
        return await look(made["schedule"]["id"])

    async def look(id_: str) -> list[Any]:
        node = (await estate.bound.execute(AHEAD, id=id_)).data["node"]
        return [id_, node["status"], node["nextAt"], [fire["at"] for fire in node["upcoming"]]]

    async def pause(*, paused: bool) -> None:
        await mutate(
            estate.bound, "deploymentPause", "deployment { id }", id=deployment, paused=paused
        )

    id_, *made = await put(ahead)
    await pause(paused=True)
    _, *stopped = await look(id_)
    await pause(paused=False)
    _, *resumed = await look(id_)
    _, *paused = await put(ahead, active=False)
    _, *again = await put(ahead)
    async with installation.database.tenant(estate.tenant.owner, workspace) as work:
        await closing.archive_workspace(work, id_=workspace, is_archived=True)
    _, *held = await look(id_)
    async with installation.database.tenant(estate.tenant.owner, workspace) as work:
        await closing.archive_workspace(work, id_=workspace, is_archived=False)
    _, *freed = await look(id_)
    _, *ended = await put(over)

    assert made == resumed == again == freed == ["ACTIVE", times[0], times]
    assert (stopped, paused) == (["DEPLOYMENT_PAUSED", None, []], ["PAUSED", None, []])
    assert (held, ended) == (["HELD", None, []], ["ENDED", None, []])


async def test_deleting_needs_rights_and_says_what_is_in_the_way(
    installation: Installation, estate: Estate
) -> None:
    reader = await installation.client(estate.tenant, scopes=READ_SCOPES)
    live = estate.ids[Kind.FLOW_RUN]
    fields = {
        "flowRunDelete": estate.ended_run,
        "flowDelete": estate.unused[Kind.FLOW],
        "deploymentDelete": estate.unused[Kind.DEPLOYMENT],
        "workPoolDelete": estate.unused[Kind.WORK_POOL],
        "workQueueDelete": estate.unused[Kind.WORK_QUEUE],
    }

    denied = {field: await refusals(reader, field, id_) for field, id_ in fields.items()}
    (refused,) = await refusals(estate.bound, "flowRunDelete", live)
    (needed,) = await refusals(estate.bound, "workPoolDelete", estate.ids[Kind.WORK_POOL])
    done = {field: await refusals(estate.bound, field, id_) for field, id_ in fields.items()}

    assert {errors[0]["code"] for errors in denied.values()} == {"FORBIDDEN"}
    assert (refused["code"], refused["existing"]) == ("CONFLICT", {"id": live})
    assert needed["existing"] == {"id": estate.ids[Kind.DEPLOYMENT]}
    assert done == {field: [] for field in fields}


async def test_retention_is_set_on_the_workspace(estate: Estate) -> None:
    workspace = estate.ids[Kind.WORKSPACE]
    changed = await mutate(
        estate.bound,
        "workspaceUpdate",
        "workspace { version retention { runsDays logsDays eventsDays } }",
        id=workspace,
        retention={"runsDays": 30, "logsDays": 7},
    )

    assert changed["workspace"] == {
        "version": 2,
        "retention": {"runsDays": 30, "logsDays": 7, "eventsDays": 90},
    }
