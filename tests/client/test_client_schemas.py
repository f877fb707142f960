"""What scripts give a client: filters, orders and schedules, and what the API is asked for them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from headgate.client.schemas.filters import (
    ArtifactCollectionFilter,
    DeploymentFilter,
    FlowRunFilter,
    FlowRunFilterName,
    FlowRunFilterState,
    FlowRunFilterStateName,
    FlowRunFilterStateType,
    LogFilter,
    TaskRunFilter,
    VariableFilter,
)
from headgate.client.schemas.objects import StateType
from headgate.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule
from headgate.client.schemas.sorting import FlowRunSort
from headgate.errors import EventError
from headgate.events.filters import EventFilter, EventNameFilter

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_criteria_of_flow_runs_all_hold() -> None:
    wanted = FlowRunFilter(
        name=FlowRunFilterName(like_="load"),
        state=FlowRunFilterState(
            type=FlowRunFilterStateType(any_=[StateType.FAILED, StateType.CRASHED]),
            name=FlowRunFilterStateName(not_any_=["TimedOut"]),
        ),
    )

    assert wanted.as_filter() == {
        "and": [
            {"name": {"contains": "load"}},
            {
                "and": [
                    {"state": {"type": ["FAILED", "CRASHED"]}},
                    {"not": {"state": {"name": ["TimedOut"]}}},
                ]
            },
        ]
    }


def test_a_filter_is_written_as_mappings_too() -> None:
    given: dict[str, Any] = {"id": {"any_": ["run_1"]}, "operator": "or_", "tags": {"any_": ["a"]}}

    assert FlowRunFilter.model_validate(given).as_filter() == {
        "or": [{"id": {"in": ["run_1"]}}, {"tags": {"any": ["a"]}}]
    }


def test_both_ends_of_a_time_are_in_it() -> None:
    wanted = FlowRunFilter.model_validate({"start_time": {"after_": AT, "before_": AT}})

    assert {
        name: datetime.fromisoformat(text) for name, text in wanted.as_filter()["startedAt"].items()
    } == {"gte": AT, "lt": AT + timedelta(microseconds=1)}


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        (FlowRunFilter(), {}),
        (DeploymentFilter.model_validate({"tags": {"all_": ["a"]}}), {"tags": {"all": ["a"]}}),
        (
            FlowRunFilter.model_validate({"deployment_id": {"any_": ["dep_1"]}}),
            {"deployment": {"id": {"in": ["dep_1"]}}},
        ),
        (
            FlowRunFilter.model_validate({"parent_task_run_id": {"is_null_": True}}),
            {"parentTaskRunId": {"isNull": True}},
        ),
        (
            TaskRunFilter.model_validate({"flow_run_id": {"any_": ["run_1"]}}),
            {"flowRunId": {"in": ["run_1"]}},
        ),
        (
            LogFilter.model_validate(
                {"level": {"ge_": 30}, "text": {"query": "x"}, "flow_run_id": {"any_": ["run_1"]}}
            ),
            {"minLevel": 30, "text": "x"},
        ),
        (
            ArtifactCollectionFilter.model_validate({"key": {"any_": ["k"]}}),
            {"key": {"in": ["k"]}, "latestPerKey": True},
        ),
        (VariableFilter.model_validate({"tags": {"any_": ["a"]}}), {"tags": {"any": ["a"]}}),
    ],
)
def test_a_filter_is_what_the_api_takes(wanted: Any, asked: dict[str, Any]) -> None:
    assert wanted.as_filter() == asked


def test_a_criterion_that_the_api_does_not_have_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="flow_version"):
        FlowRunFilter.model_validate({"flow_version": {"any_": ["1"]}})


def test_events_are_those_of_a_time_and_of_names() -> None:
    given: dict[str, Any] = {
        "occurred": {"since": AT, "until": AT},
        "event": {"prefix": ["acme."]},
        "resource": {"id": ["order-1"]},
        "order": "ASC",
    }

    assert EventFilter.model_validate(given).as_filter() == {
        "occurred": {"gte": AT.isoformat(), "lt": (AT + timedelta(microseconds=1)).isoformat()},
        "event": {"startsWith": "acme."},
        "resourceId": {"in": ["order-1"]},
        "order": "ASC",
    }
    with pytest.raises(EventError, match="one beginning"):
        EventNameFilter(prefix=["a", "b"]).as_filter()


def test_every_order_is_one_of_the_api() -> None:
    orders = [one.as_order() for one in FlowRunSort]

    assert {order["field"] for order in orders} == {
        "EXPECTED_START",
        "STARTED_AT",
        "ENDED_AT",
        "NAME",
    }
    assert {order["direction"] for order in orders} == {"ASC", "DESC"}


def test_schedules_have_prefect_s_places() -> None:
    assert CronSchedule(cron="0 6 * * *", timezone="Europe/Berlin").as_spec() == {
        "cron": {"cron": "0 6 * * *", "timezone": "Europe/Berlin", "dayOr": True}
    }
    assert IntervalSchedule(interval=timedelta(hours=1), anchor_date=AT).as_spec() == {
        "interval": {"every": "PT3600S", "anchor": AT.isoformat()}
    }
    assert RRuleSchedule(rrule="FREQ=DAILY").as_spec() == {
        "rrule": {"rrule": "FREQ=DAILY", "timezone": "UTC"}
    }
