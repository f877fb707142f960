-- Puts failures into their groups, new ones or those there are, and says what happened to each
-- group. :failures is a JSON array of objects with the columns below. However many failures a group
-- gets, its row is written once; rows are locked in one order, so that two loops never wait for each
-- other in a circle. A resolved group comes back where a run failed since then, but not where that
-- ran a version that had been replaced by then: it tells nothing of the fix.
with given as (
  select * from jsonb_to_recordset(cast(:failures as jsonb)) as r(
    workspace_id uuid, flow_run_id uuid, sequence bigint, flow_id uuid, group_id uuid,
    deployment_version_id uuid, failed_at timestamptz, fingerprint text, exception_type text,
    message text, frames jsonb
  )
), marked as (
  select given.*, own.created_at as version_made_at, (
    select current_version_id from deployments
    where deployments.workspace_id = own.workspace_id and deployments.id = own.deployment_id
  ) as current_version_id, not exists (
    select from failures
    join failure_groups grouped
      on grouped.workspace_id = failures.workspace_id and grouped.id = failures.group_id
    where failures.workspace_id = given.workspace_id
      and failures.flow_run_id = given.flow_run_id
      and grouped.flow_id = given.flow_id and grouped.fingerprint = given.fingerprint
  ) as is_new_run
  from given
  left join deployment_versions own
    on own.workspace_id = given.workspace_id and own.id = given.deployment_version_id
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
    (status, regressed_at, regression_count, version) = (
      select
        case when back.is_so then 'REGRESSED' else known.status end,
        case when back.is_so then excluded.updated_at else known.regressed_at end,
        known.regression_count + back.is_so::integer,
        known.version + back.is_so::integer
      from (
        select known.status = 'RESOLVED' and exists (
          select from marked
          where marked.workspace_id = known.workspace_id and marked.flow_id = known.flow_id
            and marked.fingerprint = known.fingerprint and marked.failed_at > known.resolved_at
            and not coalesce(
              marked.deployment_version_id <> all(known.resolved_versions)
              and marked.deployment_version_id <> marked.current_version_id
              and marked.version_made_at <= known.resolved_at, false
            )
        ) as is_so
      ) as back
    )
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
