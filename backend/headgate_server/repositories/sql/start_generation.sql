-- Starts a generation after a restore, all in one statement. A live run's token becomes one that
-- nobody knows, so what its holder still sends is refused; the run itself is judged by the policy of
-- its deployment as any whose holder fell silent. Under RETRY it waits for its whole fence first:
-- its process may have been renewed a moment before, and stops by then; so does the worker of a
-- background task, which waits for a lease as long as any. The API counts as served
-- now, so that the time since the backup is not taken for an outage that gives holders more time.
with begun as (
  update control_plane set
    generation = gen_random_uuid(),
    last_tick_at = greatest(last_tick_at, :now),
    last_served_at = greatest(last_served_at, :now)
  where id = 1
  returning generation
), sessions as (
  update agent_sessions set
    state = 'LOST', state_reason = 'The database was restored.', ended_at = :now
  where ended_at is null
  returning id
), items as (
  update work_items set
    epoch = epoch + 1000,
    token = case when phase <> 'READY' then gen_random_uuid() end,
    fence_until = case
      when phase = 'RUNNING' and on_agent_lost = 'RETRY'
        then cast(:now as timestamptz) + fence_ms * interval '1 millisecond'
      when phase <> 'READY' then cast(:now as timestamptz) - interval '1 second'
    end
  returning phase
), tasks as (
  update background_tasks set
    epoch = epoch + 1000,
    token = case when leased_until is not null then gen_random_uuid() end,
    leased_until = case when leased_until is not null
      then cast(:now as timestamptz) + cast(:lease as interval) end
  where ended_at is null
  returning leased_until
)
select
  (select generation from begun) as generation,
  (select count(*) from sessions) as sessions,
  (select count(*) from items where phase <> 'READY')
    + (select count(*) from tasks where leased_until is not null) as leases
