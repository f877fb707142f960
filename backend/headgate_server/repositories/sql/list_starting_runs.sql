-- Lists a run and every run that made it or started it again, and those that did so with them.
-- Each comes once: runs that start each other in a circle end the walk.
with recursive chain as (
  select cast(:run_id as uuid) as run_id
  union
  select states.actor_id
  from chain
  join states on states.workspace_id = :workspace_id and states.flow_run_id = chain.run_id
  where states.actor_kind = 'run' and states.actor_id is not null
    and (states.sequence = 1
      or (states.type = 'SCHEDULED' and states.name <> all(cast(:by_itself as text[]))))
)
select run_id from chain
