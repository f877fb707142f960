-- Groups the task runs of a run by task: their states, the tasks they follow, and their subflows.
with task as materialized (
  select id, task_key, state_type, parents from task_runs
  where workspace_id = :workspace_id and flow_run_id = :flow_run_id
), counted as (
  select task_key, jsonb_object_agg(state_type, size) as counts
  from (select task_key, state_type, count(*) as size from task group by task_key, state_type) each
  group by task_key
), followed as (
  select task_key, array_agg(parent_key order by parent_key) as parents
  from (
    select distinct child.task_key, parent.task_key as parent_key
    from task child
    cross join lateral unnest(child.parents) as edge(id)
    join task parent on parent.id = edge.id
  ) edges
  group by task_key
), nested as (
  select task.task_key, count(*) as size
  from task
  join flow_runs run on run.workspace_id = :workspace_id and run.parent_task_run_id = task.id
  group by task.task_key
), placed as (
  select task_key, min(id::text) as place from task group by task_key
)
select counted.task_key, counted.counts, coalesce(followed.parents, '{}') as parents,
  coalesce(nested.size, 0) as subflow_count
from counted
join placed using (task_key)
left join followed using (task_key)
left join nested using (task_key)
order by placed.place
