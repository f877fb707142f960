-- Finds when somebody had all of a run done again last: what it kept before does not count.
select max(state.timestamp)
from states state
where state.workspace_id = :workspace_id and state.flow_run_id = :run_id
  and state.sequence > 1 and state.type = 'SCHEDULED'
  and state.decision #>> '{facts,proposer}' = 'PERSON'
  and state.decision #>> '{facts,is_resume}' = 'false'
  and not (
    state.decision #>> '{facts,current_type}' = 'SCHEDULED'
    and state.decision #>> '{facts,phase}' in ('READY', 'OFFERED')
  )
  and coalesce(state.details -> 'fromFailed', 'false') = 'false'
  and coalesce(state.details -> 'fromTaskRunIds', '[]') = '[]'
