"""Deployments: what is stored of a flow, when it runs by itself, and what starts a run of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headgate import deploy, flow
from headgate.client import SyncClient
from headgate.client.schemas.filters import DeploymentFilter
from headgate.client.schemas.objects import ConcurrencyLimitConfig, Deployment
from headgate.deployments import run_deployment
from headgate.deployments.runner import RunnerDeployment
from headgate.errors import (
    EntrypointError,
    InvalidInputError,
    NotFoundError,
    ParameterError,
    RefusedError,
)
from headgate.flows import load_flow_from_entrypoint
from headgate.schedules import Cron, Interval, RRule

pytestmark = pytest.mark.e2e


@flow
def load(count: int, name: str = "x") -> int:
    """Load so many rows."""
    return count


@flow(name="Another Name")
def other() -> None: ...


def stored(client: SyncClient, pool: str, **options: Any) -> Deployment:
    """Return what the server has of a deployment."""
    id_ = load.deploy(pool, work_pool_name=pool, **{"parameters": {"count": 1}, **options})
    return client.read_deployment(id_)


def test_a_deployment_is_named_by_its_flow_and_its_own_name(client: SyncClient, pool: str) -> None:
    found = stored(client, pool)

    assert client.read_deployment_by_name(f"load/{pool}").id == found.id


def test_a_name_is_taken_once_for_each_flow(client: SyncClient, pool: str) -> None:
    first = load.deploy(pool, work_pool_name=pool)
    second = other.deploy(pool, work_pool_name=pool)

    assert first != second
    assert client.read_deployment_by_name(f"Another Name/{pool}").id == second


def test_deploying_again_changes_the_deployment(client: SyncClient, pool: str) -> None:
    first = stored(client, pool, tags=["a"])
    second = stored(client, pool, tags=["b"])

    assert (second.id, second.tags) == (first.id, ["b"])
    assert second.version > first.version


def test_an_entrypoint_is_a_file_and_a_function(client: SyncClient, pool: str) -> None:
    found = stored(client, pool)

    assert found.entrypoint == "tests/client/conformance/test_deployments.py:load"


def test_an_entrypoint_may_be_a_module_s() -> None:
    found = load_flow_from_entrypoint("tests.client.conformance.test_deployments.other")

    assert found.name == "Another Name"


def test_a_flow_inside_of_a_function_is_not_deployed(client: SyncClient, pool: str) -> None:
    @flow
    def inside() -> None: ...

    with pytest.raises(EntrypointError, match="not defined at the top of a file"):
        inside.deploy(pool, work_pool_name=pool)


def test_a_pool_that_is_not_there_is_an_error(client: SyncClient, own_name: str) -> None:
    with pytest.raises(RefusedError):
        load.deploy(own_name, work_pool_name=f"{own_name}-unknown")


def test_parameters_are_those_of_runs_that_name_none(client: SyncClient, pool: str) -> None:
    stored(client, pool, parameters={"count": 3})

    run = run_deployment(f"load/{pool}", timeout=0)

    assert client.read_flow_run(run.id).parameters == {"count": 3}


def test_parameters_of_a_run_are_laid_over_them(client: SyncClient, pool: str) -> None:
    stored(client, pool, parameters={"count": 3, "name": "y"})

    run = run_deployment(f"load/{pool}", parameters={"count": 4}, timeout=0)

    assert client.read_flow_run(run.id).parameters == {"count": 4, "name": "y"}


def test_a_parameter_that_the_flow_does_not_have_is_refused(client: SyncClient, pool: str) -> None:
    with pytest.raises(ParameterError, match="count"):
        stored(client, pool, parameters={"cuont": 3})


def test_the_schema_of_the_parameters_is_stored(client: SyncClient, pool: str) -> None:
    schema = stored(client, pool).parameter_openapi_schema or {}

    assert (schema["required"], set(schema["properties"])) == (["count"], {"count", "name"})


def test_a_run_with_wrong_parameters_is_not_made(client: SyncClient, pool: str) -> None:
    stored(client, pool, enforce_parameter_schema=True)

    with pytest.raises(InvalidInputError):
        run_deployment(f"load/{pool}", parameters={"count": "many"}, timeout=0)


def test_a_description_is_the_flow_s_unless_it_is_said(client: SyncClient, pool: str) -> None:
    first = stored(client, pool).description
    second = stored(client, pool, description="Nightly").description

    assert (first, second) == ("Load so many rows.", "Nightly")


def test_a_deployment_has_tags_and_they_are_its_runs_too(client: SyncClient, pool: str) -> None:
    stored(client, pool, tags=[pool])

    run = run_deployment(f"load/{pool}", tags=["own"], timeout=0)

    tagged = DeploymentFilter.model_validate({"tags": {"all_": [pool]}})
    assert len(client.read_deployments(deployment_filter=tagged)) == 1
    assert sorted(client.read_flow_run(run.id).tags) == sorted([pool, "own"])


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"cron": "0 6 * * *"}, "cron"),
        ({"interval": 600}, "every"),
        ({"interval": timedelta(hours=1)}, "every"),
        ({"rrule": "FREQ=DAILY"}, "rrule"),
        ({"schedule": Cron("0 6 * * *", timezone="Europe/Berlin")}, "cron"),
    ],
)
def test_a_schedule_is_given_in_short(
    client: SyncClient, pool: str, options: dict[str, Any], kind: str
) -> None:
    (schedule,) = stored(client, pool, **options).schedules

    assert kind in schedule.spec


def test_a_deployment_has_several_schedules(client: SyncClient, pool: str) -> None:
    wanted = [Cron("0 6 * * *"), Interval(3600), RRule("FREQ=DAILY")]

    assert len(stored(client, pool, schedules=wanted).schedules) == 3


def test_two_ways_to_say_a_schedule_are_refused(client: SyncClient, pool: str) -> None:
    with pytest.raises(ParameterError, match="Give one of interval, cron"):
        stored(client, pool, cron="0 6 * * *", interval=600)


def test_a_schedule_has_a_time_zone(client: SyncClient, pool: str) -> None:
    wanted = Cron("0 6 * * *", timezone="America/Chicago")
    (schedule,) = stored(client, pool, schedules=[wanted]).schedules

    assert schedule.timezone == "America/Chicago"


def test_a_schedule_has_an_anchor(client: SyncClient, pool: str) -> None:
    anchor = datetime(2026, 1, 1, tzinfo=UTC)
    (schedule,) = stored(client, pool, schedules=[Interval(3600, anchor_date=anchor)]).schedules

    assert datetime.fromisoformat(schedule.spec["anchor"]) == anchor


def test_a_schedule_may_be_inactive(client: SyncClient, pool: str) -> None:
    (schedule,) = stored(client, pool, schedules=[Cron("0 6 * * *", active=False)]).schedules

    assert (schedule.active, schedule.next_at) == (False, None)


def test_a_schedule_has_parameters_of_its_own(client: SyncClient, pool: str) -> None:
    stored(client, pool, schedules=[Cron("0 6 * * *", parameters={"count": 7})])
    id_ = client.read_deployment_by_name(f"load/{pool}").id

    (schedule,) = client.read_deployment_schedules(id_)

    assert schedule.parameters == {"count": 7}


def test_a_schedule_is_known_again_by_its_slug(client: SyncClient, pool: str) -> None:
    first = stored(client, pool, schedules=[Cron("0 6 * * *", slug="daily")])
    second = stored(client, pool, schedules=[Cron("0 7 * * *", slug="daily")])

    (before,), (after,) = first.schedules, second.schedules
    assert (after.id, after.spec["cron"]) == (before.id, "0 7 * * *")


def test_a_schedule_that_is_nonsense_is_refused(client: SyncClient, pool: str) -> None:
    with pytest.raises(RefusedError):
        stored(client, pool, cron="never")


def test_a_paused_deployment_fires_no_schedule(client: SyncClient, pool: str) -> None:
    found = stored(client, pool, cron="0 6 * * *", paused=True)

    assert found.paused
    assert not client.resume_deployment(found.id).paused


def test_a_limit_counts_the_runs_of_a_deployment(client: SyncClient, pool: str) -> None:
    limit = ConcurrencyLimitConfig(limit=1)

    id_ = stored(client, pool, concurrency_limit=limit).id

    found = client.execute(
        "query ($id: ID!) { node(id: $id) "
        "{ ... on Deployment { concurrency { limit onCollision } } } }",
        {"id": id_},
    )
    assert found["node"]["concurrency"] == {"limit": 1, "onCollision": "ENQUEUE"}


def test_job_variables_are_a_deployment_s(client: SyncClient, pool: str) -> None:
    found = stored(client, pool, job_variables={"env": {"A": "1"}})

    assert found.job_variables == {"env": {"A": "1"}}


def test_runs_wait_in_a_queue_of_the_pool(client: SyncClient, pool: str) -> None:
    assert stored(client, pool, work_queue_name="default").work_queue_name == "default"


def test_several_are_stored_at_once_or_none(client: SyncClient, pool: str) -> None:
    good = load.to_deployment(f"{pool}-good", work_pool_name=pool)
    bad = other.to_deployment(f"{pool}-bad", work_pool_name=f"{pool}-unknown")

    with pytest.raises(RefusedError):
        deploy(good, bad)
    with pytest.raises(NotFoundError):
        client.read_deployment_by_name(f"load/{pool}-good")
    assert len(deploy(good, other.to_deployment(f"{pool}-fine"), work_pool_name=pool)) == 2


def test_a_run_has_the_name_that_is_said(client: SyncClient, pool: str) -> None:
    stored(client, pool)

    assert run_deployment(f"load/{pool}", flow_run_name="by-hand", timeout=0).name == "by-hand"


def test_a_run_of_which_nobody_waits_for_the_end_is_scheduled(
    client: SyncClient, pool: str
) -> None:
    stored(client, pool)

    assert run_deployment(f"load/{pool}", timeout=0).state.is_scheduled()


def test_a_run_is_returned_as_it_is_when_the_time_is_over(client: SyncClient, pool: str) -> None:
    stored(client, pool)

    assert not run_deployment(f"load/{pool}", timeout=0.1).state.is_final()


def test_a_run_may_be_due_later(client: SyncClient, pool: str) -> None:
    stored(client, pool)
    at = datetime(2035, 1, 1, tzinfo=UTC)

    run = run_deployment(f"load/{pool}", scheduled_time=at, timeout=0)

    assert run.expected_start == at


def test_one_key_makes_one_run(client: SyncClient, pool: str) -> None:
    stored(client, pool)

    first, second = (
        run_deployment(f"load/{pool}", idempotency_key=pool, timeout=0) for _ in range(2)
    )

    assert first.id == second.id


def test_a_deployment_is_run_by_its_id(client: SyncClient, pool: str) -> None:
    id_ = stored(client, pool).id

    assert run_deployment(id_, timeout=0).deployment_id == id_


def test_a_deployment_that_is_not_there_is_not_run(client: SyncClient, own_name: str) -> None:
    with pytest.raises(NotFoundError):
        run_deployment(f"load/{own_name}", timeout=0)


async def test_a_coroutine_awaits_the_run(client: SyncClient, pool: str) -> None:
    served = RunnerDeployment.from_flow(load, pool, work_pool_name=pool, parameters={"count": 1})
    served.apply()

    run = await run_deployment(served.full_name, timeout=0)

    assert run.state.is_scheduled()


def test_a_deployment_that_is_deleted_is_gone(client: SyncClient, pool: str) -> None:
    id_ = stored(client, pool).id
    client.delete_deployment(id_)

    with pytest.raises(NotFoundError):
        client.read_deployment(id_)
