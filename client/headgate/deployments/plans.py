"""What a deploy would change: what is wanted beside what the server has."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, cast

import msgspec

from headgate.api.deployments import DeploymentAnswer, DeploymentInput

Verb = Literal["create", "change", "keep"]


class Change(msgspec.Struct, frozen=True):
    """One field, as it is and as it would be; None is nothing."""

    field: str
    before: Any
    after: Any


class Plan(msgspec.Struct, frozen=True):
    """What would become of one deployment."""

    deployment: str
    verb: Verb
    changes: list[Change] = []


def plan_of(wanted: DeploymentInput, *, stored: DeploymentAnswer | None) -> Plan:
    """Return what storing a deployment would change; what is not said stays as it is."""
    name = f"{wanted.flow_name}/{wanted.name}"
    after = _wanted_values(wanted)
    before = {} if stored is None else _stored_values(stored)
    changes = [
        Change(field, before.get(field), value)
        for field, value in after.items()
        if before.get(field) != value
    ]
    if stored is None:
        return Plan(name, "create", changes)
    return Plan(name, "change" if changes else "keep", changes)


def _wanted_values(wanted: DeploymentInput) -> dict[str, Any]:
    values: dict[str, Any] = {
        "entrypoint": wanted.entrypoint,
        "work_pool": wanted.work_pool_name,
        "work_queue": wanted.work_queue_name,
        "parameters": wanted.parameters,
        "parameter_schema": wanted.parameter_schema,
        "job_variables": wanted.job_variables,
        "description": wanted.description,
        "tags": None if wanted.tags is None else sorted(wanted.tags),
        "paused": wanted.paused,
        "pull_steps": wanted.pull_steps,
    }
    if wanted.schedules is not None:
        values["schedules"] = {entry["slug"]: _wanted_schedule(entry) for entry in wanted.schedules}
    return {name: value for name, value in values.items() if value is not None}


def _stored_values(stored: DeploymentAnswer) -> dict[str, Any]:
    return {
        "entrypoint": stored.entrypoint,
        "work_pool": stored.work_pool.name if stored.work_pool else None,
        "work_queue": stored.work_queue.name if stored.work_queue else None,
        "parameters": stored.parameters,
        "parameter_schema": stored.parameter_schema,
        "job_variables": stored.job_variables,
        "description": stored.description,
        "tags": sorted(stored.tags),
        "paused": stored.paused,
        "pull_steps": stored.pull_steps,
        "schedules": {
            entry.slug: _stored_schedule(entry.spec, entry.timezone, is_active=entry.active)
            for entry in stored.schedules
        },
    }


def _wanted_schedule(entry: Mapping[str, Any]) -> dict[str, Any]:
    ((kind, values),) = cast("dict[str, dict[str, Any]]", entry["spec"]).items()
    shown: dict[str, Any] = {"active": entry.get("active", True), kind: values[_key_of(kind)]}
    if kind == "interval":
        shown["interval"] = _seconds(values["every"])
        if values.get("anchor"):
            shown["anchor"] = _moment(values["anchor"])
        return shown
    if kind == "cron":
        shown["day_or"] = values.get("dayOr", True)
    return {**shown, "timezone": values.get("timezone", "UTC")}


def _stored_schedule(spec: Mapping[str, Any], timezone: str, *, is_active: bool) -> dict[str, Any]:
    if spec.get("every") is not None:
        # A server chooses an anchor where none was said: then it is no change.
        return {"active": is_active, "interval": _seconds(spec["every"])}
    if spec.get("cron") is not None:
        shown: dict[str, Any] = {"cron": spec["cron"], "day_or": spec.get("dayOr", True)}
    else:
        shown = {"rrule": spec.get("rrule")}
    return {"active": is_active, **shown, "timezone": timezone}


def _key_of(kind: str) -> str:
    return "every" if kind == "interval" else kind


def _seconds(length: Any) -> float:
    return msgspec.convert(length, timedelta).total_seconds()


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
