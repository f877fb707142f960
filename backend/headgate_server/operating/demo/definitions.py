"""What runs in the demo's workspaces, and where: pools, agents, flows, deployments, schedules."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from headgate_server.domain.deployments import (
    DEFAULT_ABANDON_AFTER,
    DEFAULT_FENCE,
    DEFAULT_INFRASTRUCTURE_RETRIES,
    DEFAULT_LATE_THRESHOLD,
)
from headgate_server.domain.tenancy import Actor
from headgate_server.operating.demo.catalog import Pool, Site, Work
from headgate_server.operating.demo.drafts import NEVER, Draft, named
from headgate_server.operating.demo.people import Organization

_MILLISECONDS = 1000
PROMISES = {
    "on_agent_lost": "CRASH",
    "abandon_after_ms": int(DEFAULT_ABANDON_AFTER.total_seconds()) * _MILLISECONDS,
    "fence_ms": int(DEFAULT_FENCE.total_seconds()) * _MILLISECONDS,
    "infrastructure_retries": DEFAULT_INFRASTRUCTURE_RETRIES,
    "late_threshold_ms": int(DEFAULT_LATE_THRESHOLD.total_seconds()) * _MILLISECONDS,
}
LENGTHS = ("abandon_after_ms", "fence_ms", "late_threshold_ms")
PARAMETER_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "region": {
            "type": "string",
            "enum": ["eu", "us", "apac"],
            "default": "eu",
            "title": "Region",
        },
        "since": {"type": "string", "format": "date-time", "title": "Since"},
        "batch_size": {"type": "integer", "minimum": 1, "maximum": 10000, "default": 500},
        "is_dry_run": {"type": "boolean", "default": False, "title": "Dry run"},
        "filters": {
            "type": "array",
            "items": {"type": "object", "properties": {"field": {"type": "string"}}},
        },
    },
}


@dataclass(frozen=True, slots=True)
class Queue:
    """A work queue of the demo."""

    id: UUID
    pool_id: UUID
    priority: int


@dataclass(frozen=True, slots=True)
class Target:
    """A deployment of the demo, with what its runs need to know."""

    work: Work
    workspace_id: UUID
    flow_id: UUID
    id: UUID
    version_id: UUID
    schedule_id: UUID | None
    queue: Queue | None


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace of the demo; the session is of its first agent that is online."""

    id: UUID
    site: Site
    organization: Organization
    owner: Actor
    queues: dict[tuple[str, str], Queue]
    sessions: dict[str, tuple[UUID, UUID]]
    targets: tuple[Target, ...]


def draw_workspace(draft: Draft, site: Site, organization: Organization) -> Workspace:
    """Add a workspace with everything that is defined in it, and return it."""
    id_ = draft.id()
    owner = organization.people[0]
    draft.add(
        "workspaces",
        organization_id=organization.id,
        id=id_,
        slug=site.slug,
        name=site.name,
        created_at=draft.ago(days=110),
        updated_at=draft.ago(days=9),
    )
    queues: dict[tuple[str, str], Queue] = {}
    sessions: dict[str, tuple[UUID, UUID]] = {}
    for pool in site.pools:
        _draw_pool(draft, id_, pool, queues=queues, sessions=sessions)
    targets = tuple(
        _draw_target(draft, id_, site, work, queues=queues, owner=owner) for work in site.works
    )
    _draw_variables(draft, id_, owner)
    return Workspace(id_, site, organization, owner, queues, sessions, targets)


def _draw_pool(
    draft: Draft,
    workspace_id: UUID,
    pool: Pool,
    *,
    queues: dict[tuple[str, str], Queue],
    sessions: dict[str, tuple[UUID, UUID]],
) -> None:
    pool_id = draft.id()
    place = {"workspace_id": workspace_id}
    draft.add(
        "work_pools",
        **place,
        id=pool_id,
        name=pool.name,
        type=pool.type,
        is_paused=pool.is_paused,
        concurrency_limit=pool.limit,
        base_job_template=_job_template(pool),
    )
    for name, priority, limit in pool.queues:
        queue = queues[pool.name, name] = Queue(draft.id(), pool_id, priority)
        draft.add(
            "work_queues",
            **place,
            id=queue.id,
            work_pool_id=pool_id,
            name=name,
            priority=priority,
            concurrency_limit=limit,
        )
    _draw_agents(draft, workspace_id, pool_id, pool, sessions=sessions)


def _job_template(pool: Pool) -> dict[str, Any]:
    image = {"type": "string", "default": f"registry.example/{pool.name}:1.42"}
    environment = {"type": "object", "default": {"POOL": pool.name}}
    return {
        "variables": {"type": "object", "properties": {"image": image, "env": environment}},
        "job_configuration": {"image": "{{ image }}", "env": "{{ env }}"},
    }


def _draw_agents(
    draft: Draft,
    workspace_id: UUID,
    pool_id: UUID,
    pool: Pool,
    *,
    sessions: dict[str, tuple[UUID, UUID]],
) -> None:
    place = {"workspace_id": workspace_id}
    for name, state, capacity in pool.agents:
        agent_id, session_id = draft.id(), draft.id(draft.ago(days=2))
        sessions[name] = (agent_id, session_id)
        draft.add("agents", **place, id=agent_id, work_pool_id=pool_id, name=name)
        seen = draft.ago(seconds=4) if state != "LOST" else draft.ago(hours=7)
        draft.add(
            "agent_sessions",
            **place,
            id=session_id,
            agent_id=agent_id,
            work_pool_id=pool_id,
            instance_id=draft.id(),
            capacity=capacity,
            labels={"zone": "eu-central-1a", "release": "2026.11"},
            sdk_version="0.4.0",
            host=f"{name}.internal.example",
            state=state,
            connected_at=draft.ago(days=2),
            last_seen_at=seen,
            # It has ended, so that no loop of a live installation looks after it.
            ended_at=seen,
        )


def _draw_target(
    draft: Draft,
    workspace_id: UUID,
    site: Site,
    work: Work,
    *,
    queues: dict[tuple[str, str], Queue],
    owner: Actor,
) -> Target:
    place = {"workspace_id": workspace_id}
    flow_id, id_, version_id = draft.id(), draft.id(), draft.id(draft.ago(days=12))
    queue = _queue_of(site, work, queues)
    made = {**named("created_by", owner), "created_at": draft.ago(days=100)}
    draft.add("flows", **place, id=flow_id, name=work.flow, **made)
    for tag in work.tags:
        draft.add("flow_tags", **place, tag=tag, flow_id=flow_id)
        draft.add("deployment_tags", **place, tag=tag, deployment_id=id_)
    content = _content_of(work)
    pool = {
        "work_pool_id": queue.pool_id if queue else None,
        "work_queue_id": queue.id if queue else None,
    }
    draft.add(
        "deployments",
        **place,
        **pool,
        **content,
        **made,
        id=id_,
        flow_id=flow_id,
        name=site.deployment,
        version=2,
        current_version_id=version_id,
        updated_at=draft.ago(days=12),
        **{name: PROMISES[name] for name in LENGTHS},
    )
    kept = {**content, **{name: id_ and str(id_) for name, id_ in pool.items()}}
    _draw_versions(draft, work, id_, version_id, place=place, kept=kept, owner=owner)
    schedule_id = _draw_schedule(draft, workspace_id, id_, work)
    return Target(work, workspace_id, flow_id, id_, version_id, schedule_id, queue)


def _content_of(work: Work) -> dict[str, Any]:
    name = work.flow.replace("-", "_")
    return {
        "entrypoint": f"flows/{name}.py:{name}",
        "description": f"{work.flow.replace('-', ' ').capitalize()}: {', '.join(work.tasks)}.",
        "parameters": {"region": "eu", "batch_size": 500},
        "parameter_schema": PARAMETER_SCHEMA,
        "is_schema_enforced": True,
        "job_variables": {"env": {"REGION": "eu"}},
        "pull_steps": None,
        "on_agent_lost": PROMISES["on_agent_lost"],
        "infrastructure_retries": PROMISES["infrastructure_retries"],
    }


def _draw_versions(
    draft: Draft,
    work: Work,
    deployment_id: UUID,
    version_id: UUID,
    *,
    place: dict[str, UUID],
    kept: dict[str, Any],
    owner: Actor,
) -> None:
    lengths = {name: PROMISES[name] for name in LENGTHS}
    for number, batch_size in ((1, 200), (2, 500)):
        parameters = {"region": "eu", "batch_size": batch_size}
        commit = draft.draw.randbytes(20).hex()
        draft.add(
            "deployment_versions",
            **place,
            id=version_id if number == 2 else draft.id(draft.ago(days=40)),
            deployment_id=deployment_id,
            number=number,
            label=f"2026.{9 + number}",
            git={"commit": commit, "branch": "main", "repository": "git.example/flows"},
            content={**kept, **lengths, "parameters": parameters, "tags": sorted(work.tags)},
            **named("created_by", owner),
            created_at=draft.ago(days=40 if number == 1 else 12),
        )


def _queue_of(site: Site, work: Work, queues: dict[tuple[str, str], Queue]) -> Queue | None:
    if not site.pools:
        return None
    pool, _, queue = work.queue.rpartition("/")
    return queues[pool or site.pools[0].name, queue]


def _draw_schedule(
    draft: Draft, workspace_id: UUID, deployment_id: UUID, work: Work
) -> UUID | None:
    if work.cron is None:
        return None
    id_ = draft.id()
    draft.add(
        "schedules",
        workspace_id=workspace_id,
        id=id_,
        deployment_id=deployment_id,
        slug="main",
        timezone=work.zone,
        spec={"cron": work.cron, "dayOr": True},
        catch_up_policy="LATEST",
        catch_up_max=10,
        catch_up_window_ms=24 * 3600 * _MILLISECONDS,
        # The next instants are told from the expression; nothing fires in a live installation.
        next_fire_at=draft.at + NEVER,
    )
    return id_


def _draw_variables(draft: Draft, workspace_id: UUID, owner: Actor) -> None:
    values: dict[str, Any] = {
        "max_parallel_uploads": 8,
        "regions": ["eu", "us", "apac"],
        "feature_flags": {"new_router": True, "shadow_mode": {"share": 0.05}},
        "greeting": "<script>alert('no')</script>",
        "maintenance_until": "2027-01-04T00:00:00Z",
    }
    for name, value in values.items():
        id_ = draft.id()
        tags = ["tuning"] if isinstance(value, int) else []
        draft.add(
            "variables",
            workspace_id=workspace_id,
            id=id_,
            name=name,
            value=value,
            version=2,
            updated_at=draft.ago(days=3),
        )
        for tag in tags:
            draft.add("variable_tags", workspace_id=workspace_id, tag=tag, variable_id=id_)
        for version, days in ((1, 50), (2, 3)):
            draft.add(
                "variable_versions",
                workspace_id=workspace_id,
                variable_id=id_,
                version=version,
                value=value if version == 2 else 4,
                tags=tags,
                **named("changed_by", owner),
                changed_at=draft.ago(days=days),
            )
