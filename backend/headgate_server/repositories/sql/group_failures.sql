-- Puts failures into their groups, new ones or those there are, and says what happened to each
-- group. :failures is a JSON array of objects with the columns below. However many failures a group
-- gets, its row is written once; rows are locked in one order, so that two loops never wait for each
-- other in a circle.
with given as (
  select * from jsonb_to_recordset(cast(:failures as jsonb)) as r(
    workspace_id uuid, flow_run_id uuid, sequence bigint, flow_id uuid, group_id uuid,
    deployment_version_id uuid, failed_at timestamptz, fingerprint text, exception_type text,
    message text, frames jsonb
  )
), marked as (
  select given.*, not exists (
    select from failures
    join failure_groups grouped
      on grouped.workspace_id = failures.workspace_id and grouped.id = failures.group_id
    where failures.workspace_id = given.workspace_id
      and failures.flow_run_id = given.flow_run_id
      and grouped.flow_id = given.flow_id and grouped.fingerprint = given.fingerprint
  ) as is_new_run
  from given
), gathered as (
  select
    workspace_id, flow_id, fingerprint,
    (array_agg(group_id order by failed_at))[1] as id,
    (array_agg(exception_type order by failed_at))[1] as exception_type,
    (array_agg(message order by failed_at))[1] as message,
    (array_agg(frames order by failed_at))[1] as frames,
    min(failed_at) as first_seen_at, max(failed_at) as last_seen_at,
    (array_agg(deployment_version_id order by deployment_version_id)
      filter (where deployment_version_id is not null))[1] as first_version_id,
    (array_agg(deployment_version_id order by failed_at desc)
      filter (where deployment_version_id is not null))[1] as last_version_id,
    count(*) as failure_count,
    count(distinct flow_run_id) filter (where is_new_run) as run_count
  from marked group by workspace_id, flow_id, fingerprint
), put as (
  insert into failure_groups as known (
    workspace_id, id, flow_id, fingerprint, exception_type, message, frames, status,
    first_seen_at, last_seen_at, failure_count, run_count, first_version_id, last_version_id,
    updated_at
  )
  select
    workspace_id, id, flow_id, fingerprint, exception_type, message,
    array(select jsonb_array_elements_text(frames)), 'OPEN', first_seen_at, last_seen_at,
    failure_count, run_count, first_version_id, last_version_id, cast(:now as timestamptz)
  from gathered order by workspace_id, flow_id, fingerprint
  on conflict (workspace_id, flow_id, fingerprint) do update set
    first_seen_at = least(known.first_seen_at, excluded.first_seen_at),
    last_seen_at = greatest(known.last_seen_at, excluded.last_seen_at),
    failure_count = known.failure_count + excluded.failure_count,
    run_count = known.run_count + excluded.run_count,
    first_version_id = least(known.first_version_id, excluded.first_version_id),
    last_version_id = case when excluded.last_seen_at >= known.last_seen_at
      then coalesce(excluded.last_version_id, known.last_version_id)
      else coalesce(known.last_version_id, excluded.last_version_id) end,
    updated_at = excluded.updated_at,
    status = case when known.status = 'RESOLVED' and excluded.last_seen_at > known.resolved_at
      then 'REGRESSED' else known.status end,
    regressed_at = case when known.status = 'RESOLVED' and excluded.last_seen_at > known.resolved_at
      then excluded.updated_at else known.regressed_at end,
    regression_count = known.regression_count + case
      when known.status = 'RESOLVED' and excluded.last_seen_at > known.resolved_at
      then 1 else 0 end,
    version = known.version + case
      when known.status = 'RESOLVED' and excluded.last_seen_at > known.resolved_at
      then 1 else 0 end
  returning known.*, (known.xmax = 0) as is_new
), kept as (
  insert into failures (workspace_id, flow_run_id, sequence, group_id, failed_at)
  select given.workspace_id, given.flow_run_id, given.sequence, put.id, given.failed_at
  from given
  join put
    on put.workspace_id = given.workspace_id and put.flow_id = given.flow_id
    and put.fingerprint = given.fingerprint
)
select
  put.*,
  (put.status = 'REGRESSED' and put.regressed_at = cast(:now as timestamptz)) as is_regressed
from put
