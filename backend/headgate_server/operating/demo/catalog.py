"""What the demo's organizations run, read from ``catalog.toml``."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Trouble:
    """How a flow fails: so often, between so many days ago and so many.

    Args:
        chance: of each run in that time.
        status: what people have made of the group of these failures.
    """

    error: str
    message: str
    frame: str
    chance: float
    since_days: float
    until_days: float
    status: str


@dataclass(frozen=True, slots=True)
class Work:
    """A flow with its deployment.

    Args:
        every: minutes between its runs; None where people start it.
        queue: in the first pool of the workspace, or ``pool/queue``.
    """

    flow: str
    tasks: tuple[str, ...]
    every: int | None
    cron: str | None
    zone: str
    seconds: float
    tags: tuple[str, ...]
    queue: str
    trouble: Trouble | None


@dataclass(frozen=True, slots=True)
class Pool:
    """A work pool; queues with priority and limit, agents with state and capacity."""

    name: str
    type: str
    limit: int | None
    is_paused: bool
    queues: tuple[tuple[str, int, int | None], ...]
    agents: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True)
class Site:
    """A workspace and what is in it."""

    organization: str
    slug: str
    name: str
    deployment: str
    pools: tuple[Pool, ...]
    works: tuple[Work, ...]


@dataclass(frozen=True, slots=True)
class Catalog:
    """All of it; organizations by slug, with their names."""

    organizations: Mapping[str, str]
    sites: tuple[Site, ...]


def read_catalog() -> Catalog:
    """Return the catalog that comes with this package."""
    text = files("headgate_server.operating.demo").joinpath("catalog.toml").read_text("utf-8")
    told = tomllib.loads(text)
    troubles = {(one.pop("workspace"), one.pop("flow")): Trouble(**one) for one in told["troubles"]}
    return Catalog(
        organizations={one["slug"]: one["name"] for one in told["organizations"]},
        sites=tuple(_site(one, troubles) for one in told["sites"]),
    )


def _site(told: dict[str, Any], troubles: Mapping[tuple[str, str], Trouble]) -> Site:
    place = f"{told['organization']}/{told['slug']}"
    return Site(
        organization=told["organization"],
        slug=told["slug"],
        name=told["name"],
        deployment=told["deployment"],
        pools=tuple(_pool(one) for one in told.get("pools", ())),
        works=tuple(_work(line, place, troubles) for line in told["works"]),
    )


def _pool(told: dict[str, Any]) -> Pool:
    queues = [_cells(line) for line in told["queues"]]
    agents = [_cells(line) for line in told["agents"]]
    return Pool(
        name=told["name"],
        type=told["type"],
        limit=told.get("limit"),
        is_paused=told.get("is_paused", False),
        queues=tuple((name, int(priority), _number(limit)) for name, priority, limit in queues),
        agents=tuple((name, state, int(capacity)) for name, state, capacity in agents),
    )


def _work(line: str, place: str, troubles: Mapping[tuple[str, str], Trouble]) -> Work:
    flow, tasks, every, cron, zone, seconds, tags, queue = _cells(line)
    return Work(
        flow=flow,
        tasks=tuple(tasks.split()),
        every=_number(every),
        cron=None if cron == "-" else cron,
        zone=zone,
        seconds=float(seconds),
        tags=tuple(tags.split()),
        queue=queue,
        trouble=troubles.get((place, flow)),
    )


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")]


def _number(text: str) -> int | None:
    return None if text == "-" else int(text)
