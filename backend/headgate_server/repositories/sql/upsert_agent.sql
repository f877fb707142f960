-- Makes the agent of a name in a pool, or finds the one there is.
insert into agents (workspace_id, id, work_pool_id, name)
values (:workspace_id, :id, :work_pool_id, :name)
on conflict (workspace_id, work_pool_id, name) do update set name = excluded.name
returning id
