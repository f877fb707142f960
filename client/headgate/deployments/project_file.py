"""Reads headgate.yaml, or prefect.yaml as it is: the deployments of a project."""

import difflib
import os
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from headgate.deployments.schedules import Cron, Interval, RRule, Schedule, read_length
from headgate.deployments.storing import DeploymentSpec
from headgate.errors import SettingsError

T = TypeVar("T")

FILE_NAME = "headgate.yaml"
OTHER_FILE_NAME = "prefect.yaml"
_TOP_KEYS = frozenset(
    {"name", "prefect-version", "definitions", "build", "push", "pull", "deployments"}
)
_KEYS = frozenset(
    {"name", "entrypoint", "work_pool", "work_queue", "parameters", "schedule", "schedules"}
    | {"tags", "description", "paused", "job_variables", "pull", "blocks", "starts"}
    | {"concurrency_limit", "version", "build", "push", "flow_name", "work_queue_name"}
    | {"enforce_parameter_schema", "triggers", "sla", "version_type"}
    | {"on_agent_lost", "infrastructure_retries", "abandon_after", "late_threshold"}
)
_IGNORED_KEYS = ("triggers", "sla", "flow_name", "version_type")
"""They are read, so that a prefect.yaml needs no change, and named where they are left out."""
_IGNORED_SCHEDULE_KEYS = ("max_scheduled_runs", "catchup")
_CONCURRENCY_KEYS = frozenset({"limit", "collision_strategy", "parameter", "grace_period_seconds"})
_POOL_KEYS = frozenset({"name", "work_queue_name", "job_variables"})
_SCHEDULE_KEYS = frozenset(
    {"cron", "timezone", "day_or", "interval", "rrule", "slug", "active", "parameters"}
    | {"anchor_date", "max_scheduled_runs", "catchup"}
)
_ENVIRONMENT = re.compile(r"\{\{\s*\$(\w+)\s*\}\}")
_OTHERS_PLACE = re.compile(r"(\{\{\s*)prefect\.(blocks|variables)\.")


def read_project(path: Path) -> list[DeploymentSpec]:
    """Return the deployments that the file describes, in its order.

    Raises:
        SettingsError: the file is not there, or not as it should be; the message names the place.
    """
    import yaml  # noqa: PLC0415 - named lazy-import place: only where there is a headgate.yaml

    try:
        document: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        message = f"There is no {path}"
        raise SettingsError(message) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        message = f"{path} is not valid YAML: {error}"
        raise SettingsError(message) from error
    place = str(path)
    top = _checked(_own_places(document), place=place, keys=_TOP_KEYS | _others(path, document))
    entries = _list(top, "deployments", place=place) or []
    defaults = {key: _list(top, key, place=place) for key in ("build", "push", "pull")}
    found = [
        _deployment(entry, place=f"{place}: deployments[{index}]", path=path, defaults=defaults)
        for index, entry in enumerate(entries)
    ]
    names = [(spec.entrypoint, spec.name) for spec in found]
    for entrypoint, name in names:
        if names.count((entrypoint, name)) > 1:
            message = f"{place}: two deployments of {entrypoint} are named {name!r}"
            raise SettingsError(message)
    return found


def _others(path: Path, document: Any) -> frozenset[str]:
    """Return further keys that may stand at the top.

    They are parts that anchors name, and what Prefect's own file may hold and does not read.
    """
    keys = cast("dict[Any, Any]", document) if isinstance(document, dict) else {}
    is_theirs = path.name == OTHER_FILE_NAME
    return frozenset(
        key
        for key in map(str, keys)
        if key.startswith(("x-", "."))
        or (is_theirs and not difflib.get_close_matches(key, _TOP_KEYS, n=1))
    )


def find_project_file(folder: Path) -> Path:
    """Return the project file of a folder: headgate.yaml, or prefect.yaml where that is all."""
    own, other = folder / FILE_NAME, folder / OTHER_FILE_NAME
    return other if other.is_file() and not own.is_file() else own


def _own_places(document: Any) -> Any:
    """Return a document with the names that Prefect gives to blocks and variables made ours."""
    if isinstance(document, str):
        return _OTHERS_PLACE.sub(r"\1\2.", document)
    if isinstance(document, dict):
        entries = cast("dict[Any, Any]", document)
        return {key: _own_places(value) for key, value in entries.items()}
    if isinstance(document, list):
        return [_own_places(value) for value in cast("list[Any]", document)]
    return document


def _deployment(
    entry: Any, *, place: str, path: Path, defaults: Mapping[str, list[Any] | None]
) -> DeploymentSpec:
    values = _checked(entry, place=place, keys=_KEYS)
    name, problem = _from_environment(values, "name", place=place)
    place = f"{place} ({name})"
    entrypoint, other_problem = _from_environment(values, "entrypoint", place=place)
    pool = values.get("work_pool")
    if isinstance(pool, str):
        pool = {"name": pool}
    pool_values = _checked(pool or {}, place=f"{place}: work_pool", keys=_POOL_KEYS)
    return DeploymentSpec(
        name=name,
        entrypoint=entrypoint,
        problem=problem or other_problem,
        directory=path.parent,
        work_pool=_typed(pool_values.get("name"), str, place=f"{place}: work_pool"),
        work_queue=_typed(
            values.get("work_queue")
            or values.get("work_queue_name")
            or pool_values.get("work_queue_name"),
            str,
            place=f"{place}: work_queue",
        ),
        parameters=_mapping(values, "parameters", place=place) or {},
        schedules=_schedules(values, place=place),
        tags=_list(values, "tags", place=place),
        description=_typed(values.get("description"), str, place=f"{place}: description"),
        is_paused=_typed(values.get("paused"), bool, place=f"{place}: paused"),
        job_variables=_mapping(values, "job_variables", place=place)
        or _mapping(pool_values, "job_variables", place=place),
        build_steps=_own_or(defaults, values, "build", place=place),
        push_steps=_own_or(defaults, values, "push", place=place),
        pull_steps=_own_or(defaults, values, "pull", place=place) or None,
        ignored=_ignored(values),
        is_schema_enforced=_typed(
            values.get("enforce_parameter_schema"), bool, place=f"{place}: enforce_parameter_schema"
        ),
        blocks=_list(values, "blocks", place=place),
        version=None if values.get("version") is None else str(values["version"]),
        starts=_list(values, "starts", place=place),
        on_agent_lost=_typed(values.get("on_agent_lost"), str, place=f"{place}: on_agent_lost"),
        infrastructure_retries=_typed(
            values.get("infrastructure_retries"), int, place=f"{place}: infrastructure_retries"
        ),
        abandon_after=_length(values, "abandon_after", place=place),
        late_threshold=_length(values, "late_threshold", place=place),
        **_concurrency(values.get("concurrency_limit"), place=f"{place}: concurrency_limit"),
    )


def _from_environment(values: Mapping[str, Any], key: str, *, place: str) -> tuple[str, str | None]:
    """Return what names a deployment, or its flow, with variables of the environment filled in.

    Where that cannot be done it is as it is written, and what to do comes with it: the others of
    the file are read all the same.
    """
    text = _required(values, key, place=place)
    for name in _ENVIRONMENT.findall(text):
        if not os.environ.get(name):
            what = f"{place}: {key} names ${name}, which is not set: export it, then deploy again"
            return text, what
    found = _ENVIRONMENT.sub(lambda match: os.environ[match[1]], text)
    if "{{" in found:
        what = f"{place}: {key} takes no template but {{{{ $NAME }}}}, an environment variable"
        return text, what
    return found, None


def _ignored(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what is said of a deployment and not stored with one."""
    found = [key for key in _IGNORED_KEYS if values.get(key)]
    concurrency: Any = values.get("concurrency_limit")
    if isinstance(concurrency, dict) and "grace_period_seconds" in concurrency:
        found.append("concurrency_limit: grace_period_seconds")
    schedules: list[Any] = [values.get("schedule"), *(values.get("schedules") or ())]
    said: set[Any] = set()
    for schedule in schedules:
        said.update(cast("dict[Any, Any]", schedule) if isinstance(schedule, dict) else ())
    return (*found, *(f"schedules: {key}" for key in _IGNORED_SCHEDULE_KEYS if key in said))


def _own_or(
    defaults: Mapping[str, list[Any] | None], values: Mapping[str, Any], key: str, *, place: str
) -> list[Any] | None:
    """Return the steps of a deployment, or those of the file where it says nothing of them."""
    return _list(values, key, place=place) if key in values else defaults[key]


def _concurrency(value: Any, *, place: str) -> dict[str, Any]:
    """Read how many runs may be held at once: a number, or a mapping that says what follows."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        return {"concurrency_limit": _typed(value, int, place=place)}
    values = _checked(cast("Any", value), place=place, keys=_CONCURRENCY_KEYS)
    return {
        "concurrency_limit": _typed(values.get("limit"), int, place=f"{place}: limit"),
        "on_collision": _typed(
            values.get("collision_strategy"), str, place=f"{place}: collision_strategy"
        ),
        "collision_parameter": _typed(values.get("parameter"), str, place=f"{place}: parameter"),
    }


def _schedules(values: Mapping[str, Any], *, place: str) -> list[Schedule] | None:
    # Prefect's own template says ``schedule: {}`` where there is none.
    schedule = values.get("schedule") or None
    if schedule is not None and values.get("schedules") is not None:
        message = f"{place} has both schedule and schedules; write one of them"
        raise SettingsError(message)
    if schedule is not None:
        return [_schedule(schedule, place=f"{place}: schedule")]
    entries = _list(values, "schedules", place=place)
    if entries is None:
        return None
    return [
        _schedule(entry, place=f"{place}: schedules[{index}]")
        for index, entry in enumerate(entries)
    ]


def _schedule(entry: Any, *, place: str) -> Schedule:
    values = _checked(entry, place=place, keys=_SCHEDULE_KEYS)
    values = {key: value for key, value in values.items() if value is not None}
    slug = _typed(values.get("slug"), str, place=f"{place}: slug")
    is_active = _typed(values.get("active", True), bool, place=f"{place}: active") is not False
    parameters = _mapping(values, "parameters", place=place) or {}
    if len(values.keys() & {"cron", "interval", "rrule"}) != 1:
        message = f"{place} needs one of cron, interval and rrule"
        raise SettingsError(message)
    if "rrule" in values:
        return RRule(
            rrule=_required(values, "rrule", place=place),
            timezone=_typed(values.get("timezone"), str, place=f"{place}: timezone") or "UTC",
            slug=slug,
            is_active=is_active,
            parameters=parameters,
        )
    if "cron" in values:
        return Cron(
            cron=_required(values, "cron", place=place),
            timezone=_typed(values.get("timezone"), str, place=f"{place}: timezone") or "UTC",
            day_or=_typed(values.get("day_or", True), bool, place=f"{place}: day_or") is not False,
            slug=slug,
            is_active=is_active,
            parameters=parameters,
        )
    return Interval(
        every=_named(place, read_length, values["interval"]),
        anchor=_anchor(values, place=place),
        slug=slug,
        is_active=is_active,
        parameters=parameters,
    )


def _length(values: Mapping[str, Any], key: str, *, place: str) -> timedelta | None:
    value = values.get(key)
    return None if value is None else _named(f"{place}: {key}", read_length, value)


def _anchor(values: Mapping[str, Any], *, place: str) -> datetime | None:
    """Return what an interval counts from: a time, on the clock of the time zone it names.

    Without a time the zone means nothing: intervals go by elapsed time.
    """
    anchor, timezone = values.get("anchor_date"), values.get("timezone")
    if anchor is None:
        return None
    try:
        moment = datetime.fromisoformat(str(anchor))
        zone = ZoneInfo(str(timezone or "UTC"))
    except (ValueError, ZoneInfoNotFoundError) as error:
        message = f"{place} has an anchor_date or timezone that is none: {error}"
        raise SettingsError(message) from error
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment


def _named(place: str, read: Callable[[Any], T], value: Any) -> T:
    try:
        return read(value)
    except SettingsError as error:
        message = f"{place}: {error}"
        raise SettingsError(message) from error


def _checked(value: Any, *, place: str, keys: frozenset[str]) -> dict[str, Any]:
    """Return a mapping that has none but these keys."""
    if not isinstance(value, dict):
        message = f"{place} must be a mapping with some of {', '.join(sorted(keys))}"
        raise SettingsError(message)
    values = cast("dict[Any, Any]", value)
    for key in values:
        if key not in keys:
            close = difflib.get_close_matches(str(key), keys, n=1)
            meant = f"did you mean {close[0]}?" if close else f"known are {', '.join(sorted(keys))}"
            message = f"{place} has an unknown key {key!r}; {meant}"
            raise SettingsError(message)
    return values


def _required(values: Mapping[str, Any], key: str, *, place: str) -> str:
    value = values.get(key)
    if not isinstance(value, str) or not value:
        message = f"{place} needs {key}, a text"
        raise SettingsError(message)
    return value


def _typed(value: Any, kind: type[T], *, place: str) -> T | None:
    """Return a value of this kind; None where there is none."""
    if value is None or isinstance(value, kind):
        return value
    message = f"{place} must be a {kind.__name__}, not {value!r}"
    raise SettingsError(message)


def _list(values: Mapping[str, Any], key: str, *, place: str) -> list[Any] | None:
    return cast("list[Any] | None", _typed(values.get(key), list, place=f"{place}: {key}"))


def _mapping(values: Mapping[str, Any], key: str, *, place: str) -> dict[str, Any] | None:
    return cast("dict[str, Any] | None", _typed(values.get(key), dict, place=f"{place}: {key}"))
