"""Deployments with their schedules, in the words of files and of the API."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from headgate.api import configurations, deletions
from headgate.api.calls import given
from headgate.api.configurations import Concurrency, WholeDeployment, WholeSchedule
from headgate.cli.configuration.plans import Fields, Kind, Stored, Wanted
from headgate.cli.configuration.values import (
    check_keys,
    iso_length,
    length,
    mapping,
    refuse,
    required,
    shown_length,
)
from headgate.cli.connection import Server

MOST = 10_000
AT_ONCE = 100
"""So many deployments the API stores in one step."""

_PLAIN = {
    "entrypoint": "entrypoint",
    "description": "description",
    "tags": "tags",
    "paused": "paused",
    "parameters": "parameters",
    "parameter_schema": "parameterSchema",
    "enforce_parameter_schema": "enforceParameterSchema",
    "job_variables": "jobVariables",
    "pull_steps": "pullSteps",
    "blocks": "blocks",
    "starts": "starts",
    "on_agent_lost": "onAgentLost",
    "infrastructure_retries": "infrastructureRetries",
    "work_pool": "workPoolName",
}
_LENGTHS = {"abandon_after": "abandonAfter", "fence": "fence", "late_threshold": "lateThreshold"}
_CONCURRENCY = frozenset({"limit", "collision_strategy", "parameter"})
_SCHEDULE = frozenset(
    {"cron", "interval", "rrule", "timezone", "day_or", "anchor_date", "active", "parameters"}
    | {"catch_up"}
)
_CATCH_UP = frozenset({"policy", "max", "window"})
_NO_CATCH_UP = {"policy": "SKIP", "max": 100, "window": "1d"}


def read(server: Server) -> dict[str, Stored]:
    """Return the deployments of the workspace by flow/name."""
    found = server.collect(configurations.list_deployments, limit=MOST, is_told=False)
    return {
        f"{one.flow.name}/{one.name}": Stored(one.id, _fields(one), version=one.version)
        for one in found
    }


def normal(place: str, fields: Fields) -> Fields:
    """Return fields as :func:`read` has them.

    Raises:
        CommandError: something about them is wrong.
    """
    values = dict(fields)
    for key in _LENGTHS:
        if values.get(key) is not None:
            values[key] = length(values[key], place=f"{place}: {key}")
    if isinstance(values.get("tags"), list):
        values["tags"] = sorted(map(str, values["tags"]))
    if "concurrency_limit" in values:
        inner = f"{place}: concurrency_limit"
        values["concurrency_limit"] = _concurrency(values["concurrency_limit"], place=inner)
    if "schedules" in values:
        schedules = mapping(values["schedules"], place=f"{place}: schedules")
        values["schedules"] = {
            slug: _schedule(schedule, place=f"{place}: schedules: {slug}")
            for slug, schedule in schedules.items()
        }
    return values


def put(server: Server, wanted: Sequence[Wanted]) -> None:
    """Make or change deployments: all of them, or none."""
    server.call(
        configurations.put_deployments,
        workspace_id=server.workspace_id,
        deployments=[_input(server, one) for one in wanted],
    )


def delete(server: Server, stored: Stored) -> None:
    """Delete a deployment with its schedules."""
    server.call(deletions.delete, kind="Deployment", id_=stored.id)


def _fields(found: WholeDeployment) -> Fields:
    return {
        "entrypoint": found.entrypoint,
        "description": found.description,
        "tags": found.tags,
        "paused": found.paused,
        "work_pool": found.work_pool.name if found.work_pool else None,
        "work_queue": found.work_queue.name if found.work_queue else None,
        "parameters": found.parameters,
        "parameter_schema": found.parameter_schema,
        "enforce_parameter_schema": found.enforce_parameter_schema,
        "job_variables": found.job_variables,
        "pull_steps": found.pull_steps,
        "blocks": found.blocks,
        "starts": found.starts,
        "concurrency_limit": _stored_concurrency(found.concurrency),
        "on_agent_lost": found.on_agent_lost,
        "abandon_after": shown_length(found.abandon_after),
        "fence": shown_length(found.fence),
        "infrastructure_retries": found.infrastructure_retries,
        "late_threshold": shown_length(found.late_threshold),
        "schedules": {one.slug: _stored_schedule(one) for one in found.schedules},
    }


def _stored_concurrency(found: Concurrency | None) -> Fields | None:
    if found is None:
        return None
    return {
        "limit": found.limit,
        "collision_strategy": found.on_collision,
        "parameter": found.parameter,
    }


def _stored_schedule(found: WholeSchedule) -> Fields:
    spec = found.spec
    fields: Fields = {}
    if "cron" in spec:
        fields = {"cron": spec["cron"], "timezone": found.timezone, "day_or": spec["dayOr"]}
    elif "rrule" in spec:
        fields = {"rrule": spec["rrule"], "timezone": found.timezone}
    else:
        fields = {"interval": _shown_iso(spec["every"]), "anchor_date": spec["anchor"]}
    catch_up = found.catch_up
    return {
        **fields,
        "active": found.active,
        "parameters": found.parameters or {},
        "catch_up": {
            "policy": catch_up.policy,
            "max": catch_up.max,
            "window": shown_length(catch_up.window),
        },
    }


def _shown_iso(text: str) -> str:
    return shown_length(msgspec.convert(text, timedelta))


def _concurrency(value: Any, *, place: str) -> Fields | None:
    if value is None or isinstance(value, int):
        return None if value is None else {"limit": value}
    values = mapping(value, place=place)
    check_keys(values, _CONCURRENCY, place=place)
    required(values, "limit", place=place)
    return values


def _schedule(value: Any, *, place: str) -> Fields:
    """Return a schedule with what is not said of it filled in, as a deploy would store it."""
    values = mapping(value, place=place)
    check_keys(values, _SCHEDULE, place=place)
    kinds = values.keys() & {"cron", "interval", "rrule"}
    if len(kinds) != 1:
        raise refuse(place, "it needs one of cron, interval and rrule")
    defaults: Fields = {"active": True, "parameters": {}}
    if "interval" in values:
        values["interval"] = length(values["interval"], place=f"{place}: interval")
        if isinstance(values.get("anchor_date"), datetime):
            values["anchor_date"] = values["anchor_date"].isoformat()
    else:
        defaults["timezone"] = "UTC"
    if "cron" in values:
        defaults["day_or"] = True
    catch_up = mapping(values.get("catch_up"), place=f"{place}: catch_up")
    check_keys(catch_up, _CATCH_UP, place=f"{place}: catch_up")
    if catch_up.get("window") is not None:
        catch_up["window"] = length(catch_up["window"], place=f"{place}: catch_up: window")
    return {**defaults, **values, "catch_up": {**_NO_CATCH_UP, **catch_up}}


def _input(server: Server, wanted: Wanted) -> dict[str, Any]:
    flow_name, _, name = wanted.name.rpartition("/")
    if not flow_name:
        raise refuse(f"deployments: {wanted.name}", "a deployment is named flow/deployment")
    fields = wanted.fields
    found: dict[str, Any] = {
        "workspaceId": server.workspace_id,
        "flowName": flow_name,
        "name": name,
    }
    if wanted.stored is not None:
        found["expectedVersion"] = wanted.stored.version
    found |= {theirs: fields[ours] for ours, theirs in _PLAIN.items() if ours in fields}
    if fields.get("work_queue") is not None:
        found["workQueueName"] = fields["work_queue"]
    for ours, theirs in _LENGTHS.items():
        if fields.get(ours) is not None:
            found[theirs] = iso_length(fields[ours])
    if "concurrency_limit" in fields:
        found |= _concurrency_input(fields["concurrency_limit"])
    if "schedules" in fields:
        found["schedules"] = [
            _schedule_input(slug, schedule) for slug, schedule in fields["schedules"].items()
        ]
    return found


def _concurrency_input(value: Fields | None) -> dict[str, Any]:
    if value is None:
        return {"concurrencyLimit": None}
    found = {"concurrencyLimit": value["limit"]}
    if value.get("collision_strategy") is not None:
        found["onCollision"] = value["collision_strategy"]
    if "parameter" in value:
        found["collisionParameter"] = value["parameter"]
    return found


def _schedule_input(slug: str, schedule: Fields) -> dict[str, Any]:
    if "cron" in schedule:
        spec: dict[str, Any] = {
            "cron": {
                "cron": schedule["cron"],
                "timezone": schedule["timezone"],
                "dayOr": schedule["day_or"],
            }
        }
    elif "rrule" in schedule:
        spec = {"rrule": {"rrule": schedule["rrule"], "timezone": schedule["timezone"]}}
    else:
        every = iso_length(schedule["interval"])
        spec = {"interval": given(every=every, anchor=schedule.get("anchor_date"))}
    catch_up = schedule["catch_up"]
    return {
        "slug": slug,
        "spec": spec,
        "active": schedule["active"],
        "parameters": schedule["parameters"] or None,
        "catchUp": {**catch_up, "window": iso_length(catch_up["window"])},
    }


DEPLOYMENTS = Kind(
    noun="deployments",
    keys=frozenset({*_PLAIN, *_LENGTHS, "work_queue", "concurrency_limit", "schedules"}),
    read=read,
    put=put,
    delete=delete,
    normal=normal,
    partial={"concurrency_limit": 1, "schedules": 2},
    complete=frozenset({"schedules"}),
    at_once=AT_ONCE,
)
