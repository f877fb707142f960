"""Runs that failed, and the groups that a loop puts them into, made through the API."""

from headgate_server.database.work import Database
from headgate_server.domain.ids import Kind
from headgate_server.services import failure_groups
from tests.factories.mutations import mutate
from tests.fixtures.api import ApiClient

MANY_GROUPS = """insert into failure_groups (workspace_id, id, flow_id, fingerprint, exception_type,
  message, frames, status, first_seen_at, last_seen_at, failure_count, run_count)
select one.workspace_id, md5(one.workspace_id || '-group-' || number)::uuid, one.flow_id,
  'print-' || lpad(number::text, 6, '0'), 'ValueError', 'bad', '{}',
  case when number % 10 = 9 then 'MUTED' else 'OPEN' end, now(),
  now() - number * interval '1 second', 1, 1
from (
  select workspace_id, flow_id from flow_runs where name in ('past', 'steady-heron') limit 1
) one, generate_series(0, 999) number"""
"""A thousand groups of the flow whose runs were made many at once; some are muted."""
MANY_FAILURES = """insert into failures (workspace_id, flow_run_id, sequence, group_id, failed_at)
select workspace_id, id, state_sequence, md5(
    workspace_id || '-group-' || case when nth % 2 = 0 then 0 else nth % 1000 end
  )::uuid, ended_at
from (
  select *, row_number() over (order by id) as nth from flow_runs
  where state_type = 'FAILED' and name in ('past', 'steady-heron')
) failed"""
"""Half of what failed of them is of one group."""
MANY_VIEWS = """insert into saved_views (workspace_id, id, name, page, filter, is_shared,
  created_by_kind, created_by_id, created_by_name)
select one.workspace_id, gen_random_uuid(), 'view-' || number,
  case when number % 2 = 0 then 'flow-runs' else 'logs' end, '{}', number % 20 = 0, 'user',
  gen_random_uuid(), 'Olive'
from (select workspace_id from flow_runs where name in ('past', 'steady-heron') limit 1) one,
  generate_series(1, 2000) number"""
"""Two thousand views, of which everybody sees a hundred."""
GROUP_OF = "query ($id: ID!) { flowRun(id: $id) { failureGroup { id } } }"


async def make_failure_group(database: Database, api: ApiClient, found: dict[Kind, str]) -> str:
    """Let a run of the deployment fail, and return the id of its group."""
    run_id = await make_failed_run(api, found)
    async with database.system() as work:
        await failure_groups.group_failures(work)
    answer = await api.execute(GROUP_OF, id=run_id)
    group_id: str = answer.data["flowRun"]["failureGroup"]["id"]
    return group_id


async def make_failed_run(api: ApiClient, found: dict[Kind, str]) -> str:
    made = await mutate(
        api,
        "flowRunCreate",
        "flowRun { id }",
        workspaceId=found[Kind.WORKSPACE],
        deploymentId=found[Kind.DEPLOYMENT],
    )
    run_id: str = made["flowRun"]["id"]
    failed = {"type": "FAILED", "message": "row 7 is bad"}
    await mutate(api, "flowRunSetState", "accepted", id=run_id, state=failed, force=True)
    return run_id
