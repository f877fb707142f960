-- Finds when somebody had all of a run done again last: what it kept before does not count.
select max(state.timestamp)
from states state
where state.workspace_id = :workspace_id and state.flow_run_id = :run_id
  and
-- include had_start_again
  and coalesce(state.details -> 'fromFailed', 'false') = 'false'
  and coalesce(state.details -> 'fromTaskRunIds', '[]') = '[]'
