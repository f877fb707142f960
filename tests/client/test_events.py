"""``emit_event``: in order with what else a run reports, once, and with its surroundings."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from headgate import flow, task
from headgate.api.background_tasks import BackgroundTask, Offer
from headgate.background_tasks.execution import execute
from headgate.background_tasks.values import store_of
from headgate.errors import EventError
from headgate.events import Event, emit_event
from headgate.redaction import MASK, redactor
from headgate.settings import load_settings
from tests.client.recording_server import RecordingServer
from tests.fixtures.deadlines import eventually_sync

ORDER = {"id": "order-1"}


def sent(server: RecordingServer) -> list[dict[str, Any]]:
    calls = [call for call in server.calls if call.operation == "EventsEmit"]
    return [event for call in calls for event in call.variables["input"]["events"]]


def test_events_of_a_run_name_it_and_travel_under_its_token(server: RecordingServer) -> None:
    @task
    def ship() -> None:
        emit_event("acme.shipped", ORDER, payload={"weight": 3})

    @flow
    def work() -> None:
        ship()

    work()

    (one,) = sent(server)
    run = server.only_run()
    (task_id,) = run.tasks
    assert (one["event"], one["resource"], one["payload"]) == (
        "acme.shipped",
        ORDER,
        {"weight": 3},
    )
    assert [(found["id"], found["role"]) for found in one["related"]] == [
        (run.id, "flow_run"),
        (task_id, "task_run"),
    ]
    assert [call.token for call in server.calls if call.operation == "EventsEmit"] == [run.token]


def test_events_outlive_an_outage_in_order_and_once(server: RecordingServer, home: Path) -> None:
    @flow
    def work() -> None:
        server.is_away = True
        for number in range(150):
            emit_event("acme.counted", {"id": str(number)})
        eventually_sync(lambda: list((home / "spool").glob("*/*.jsonl")), what="a spool file")
        server.is_away = False

    work()

    found = sent(server)
    assert [one["resource"]["id"] for one in found] == [str(number) for number in range(150)]
    assert len({one["id"] for one in found}) == 150


def test_outside_of_a_run_the_key_sends_at_once_and_prefect_s_labels_are_read(
    server: RecordingServer,
) -> None:
    redactor.add("hunter2-of-events")

    emit_event(
        "acme.hunter2-of-events",
        {"prefect.resource.id": "order-1", "note": "hunter2-of-events"},
        related=[{"prefect.resource.id": "cart-1", "prefect.resource.role": "cart"}],
    )

    (one,) = sent(server)
    assert one["event"] == f"acme.{MASK}"
    assert one["resource"] == {"id": "order-1", "note": MASK}
    assert one["related"] == [{"id": "cart-1", "role": "cart"}]
    assert server.calls[-1].variables["input"]["workspaceId"] == "ws_1"


def test_events_of_a_background_task_name_it_and_the_task_runs_below_it(
    server: RecordingServer,
) -> None:
    @task
    def count() -> None:
        emit_event("acme.counted", ORDER)

    @task
    def ship() -> None:
        emit_event("acme.shipped", ORDER)
        count()

    queued = BackgroundTask(
        id="btask_1",
        task_key="ship",
        name="ship-1",
        state_type="RUNNING",
        state_name="Running",
        message=None,
        parameters={"value": {}},
        result=None,
        epoch=1,
    )
    offer = Offer(queued, lease_token="token", epoch=1)
    open_store = partial(store_of, ship.spec, settings=load_settings())
    outcome = execute(ship, offer, open_store=open_store)

    shipped, counted = sent(server)
    assert outcome.state["type"] == "COMPLETED", outcome
    own = {"id": "btask_1", "kind": "background_task", "name": "ship-1", "role": "background_task"}
    assert shipped["related"] == [own]
    assert [one["kind"] for one in counted["related"]] == ["task_run"]


async def test_a_coroutine_is_not_held_up(server: RecordingServer) -> None:
    told = emit_event("acme.shipped", ORDER)

    found = eventually_sync(lambda: sent(server), what="the event")
    assert [one["id"] for one in found] == [told.id]


def test_an_event_follows_another_only_where_it_came_soon_after() -> None:
    at = datetime(2026, 11, 28, tzinfo=UTC)
    first = emit_event("acme.first", ORDER, occurred=at)

    def follows(later: timedelta) -> str | None:
        return emit_event("acme.second", ORDER, occurred=at + later, follows=first).follows

    assert isinstance(first, Event)
    assert follows(timedelta(minutes=4)) == first.id
    assert follows(timedelta(minutes=5)) is None
    assert follows(timedelta(seconds=-1)) is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"event": ""}, "1 to 200"),
        ({"resource": {"name": "x"}}, "id of a resource"),
        ({"payload": {"a": "x" * 256 * 1024}}, "may have 262,144"),
        ({"occurred": datetime(2026, 11, 28)}, "has a zone"),  # noqa: DTZ001 - what is refused
        ({"related": [ORDER] * 99}, "fewer than 99"),
    ],
)
def test_what_cannot_be_told_fails_where_it_is_said(given: dict[str, Any], words: str) -> None:
    fields: dict[str, Any] = {"event": "acme.shipped", "resource": ORDER, **given}
    with pytest.raises(EventError, match=words):
        emit_event(**fields)
