"""What a backlog of 100,000 runs in one workspace does to the starts in another.

The backlog is late, and each slot that comes free is offered at once. Its agent has two slots,
which slow runs hold: what is measured is what a backlog costs that waits. Beside an agent that
works through it as fast as it can, ``fair_start_busy_ratio``, all share the machine's cores, the
other workspace's user code, too: that one says what the machine gives, and has no target.
"""

import dataclasses

from tests.load.dispatch import Runner
from tests.load.figures import Figure, percentile
from tests.load.installation import FLOWS, Installation, installed

FIGURES = ("fair_start_ratio", "fair_start_busy_ratio")
RUNS = 40
OTHER = "other"

_WORKSPACE = """query Own($organization: String!, $slug: String!) {
  workspace(organization: $organization, slug: $slug) { organization { id } } }"""
_CREATE = """mutation Create($input: WorkspaceCreateInput!) {
  workspaceCreate(input: $input) { workspace { id } errors { message } } }"""
_POOL = """mutation Pool($input: WorkPoolUpsertInput!) {
  workPoolUpsert(input: $input) { workPool { id } errors { message } } }"""
_FILL = """
with one as (
  select run.*, queue.priority as queue_priority
  from flow_runs run
  join workspaces on workspaces.id = run.workspace_id and workspaces.slug = 'other'
  join work_queues queue on queue.id = run.work_queue_id
  limit 1
), made as (
  insert into flow_runs (
    workspace_id, id, name, flow_id, deployment_id, work_pool_id, work_queue_id, state_type,
    state_name, state_timestamp, state_sequence, expected_start, created_by_kind,
    created_by_id, created_by_name, attempt)
  select workspace_id, gen_random_uuid(), 'steady-heron', flow_id, deployment_id, work_pool_id,
    work_queue_id, 'SCHEDULED', 'Scheduled', now(), 1, now(), created_by_kind, created_by_id,
    created_by_name, 0
  from one, generate_series(1, 100000)
  returning workspace_id, id, deployment_id, work_pool_id, work_queue_id
)
insert into work_items (
  workspace_id, run_id, work_pool_id, work_queue_id, deployment_id, queue_priority, priority,
  due_at, phase, late_due_at, late_threshold_ms, on_agent_lost, abandon_after_ms, fence_ms,
  infrastructure_retries)
select made.workspace_id, made.id, made.work_pool_id, made.work_queue_id, made.deployment_id,
  one.queue_priority, 0, now(), 'READY', now(), 15000, 'CRASH', 600000, 600000, 3
from made, one
"""


def other_workspace(installation: Installation) -> Installation:
    """Make a second workspace with a pool; the same installation, seen from there."""
    transport = installation.transport()
    organization, slug = installation.workspace.split("/")
    found = transport.execute(
        _WORKSPACE, {"organization": organization, "slug": slug}, operation="Own"
    )
    given = {
        "organizationId": found["workspace"]["organization"]["id"],
        "slug": OTHER,
        "name": "Other",
    }
    made = transport.execute(_CREATE, {"input": given}, operation="Create")
    workspace_id = made["workspaceCreate"]["workspace"]["id"]
    pool = {"workspaceId": workspace_id, "name": "default", "type": "process"}
    transport.execute(_POOL, {"input": pool}, operation="Pool")
    transport.close()
    return dataclasses.replace(installation, workspace=f"{organization}/{OTHER}")


def start_p95(runner: Runner) -> float:
    """Return within which time 95 of 100 runs start."""
    runner.run()
    return percentile(sorted(runner.run()["Running"] for _ in range(RUNS)), fraction=0.95)


def measure() -> list[Figure]:
    with installed() as installation, installation.agent("--limit", "10"):
        runner = Runner(installation, "noop")
        alone = start_p95(runner)
        busy = other_workspace(installation)
        with busy.agent("--limit", "2"):
            slow = Runner(busy, "slow")
            slow.create()
            installation.query(_FILL)
            installation.query("analyze work_items")
            beside = start_p95(runner)
        with busy.agent("--limit", "20"):
            Runner(busy, "slow").upsert(entrypoint=f"{FLOWS}:noop")
            working = start_p95(runner)
    return [
        Figure("fair_start_ratio", "ratio", [beside / alone]),
        Figure("fair_start_busy_ratio", "ratio", [working / alone]),
    ]
