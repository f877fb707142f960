-- What an operator should know of a database, in one row; only what every role may see.
with days as (
  select parent, number, to_regclass(parent || '_' || to_char(current_date + number, 'YYYYMMDD'))
    as child
  from generate_series(0, 14) number, unnest(array['states', 'logs', 'events']) parent
)
select
  clock_timestamp() as clock,
  current_setting('server_version') as version,
  current_setting('max_connections')::integer as connections_limit,
  (select sum(numbackends)::integer from pg_stat_database) as connections,
  coalesce((
    select array_agg(distinct class.relname::text order by class.relname::text)
    from pg_class class
    join pg_namespace space on space.oid = class.relnamespace and space.nspname = 'public'
    join pg_attribute attribute on attribute.attrelid = class.oid
      and attribute.attname = 'workspace_id' and not attribute.attisdropped
    where class.relkind in ('r', 'p') and not class.relispartition
      and not (class.relrowsecurity and class.relforcerowsecurity)
  ), '{}') as open_tables,
  (select coalesce(min(number), 15) - 1 from days where child is null) as days_ahead,
  coalesce((
    select array_agg(distinct format(
      '%s (process %s)', coalesce(nullif(activity.application_name, ''), 'a client'), held.pid
    ))
    from pg_locks held
    join pg_stat_activity activity using (pid)
    where held.locktype = 'relation' and held.granted and held.pid <> pg_backend_pid()
      and held.database = (select oid from pg_database where datname = current_database())
      and held.relation in (
        'states_default'::regclass, 'logs_default'::regclass, 'events_default'::regclass
      )
  ), '{}') as partition_holders,
  exists (
    select from pg_stat_user_tables
    where relname in ('states_default', 'logs_default', 'events_default') and n_live_tup > 0
  ) as has_strays,
  coalesce((
    select array_agg(relname::text order by n_dead_tup desc) from pg_stat_user_tables
    where n_dead_tup > 10000 and n_dead_tup > n_live_tup
  ), '{}') as bloated_tables,
  coalesce((
    select max(extract(epoch from clock_timestamp() - xact_start))::float8 from pg_stat_activity
    where datname = current_database() and backend_type = 'client backend'
      and pid <> pg_backend_pid()
  ), 0) as longest_transaction_seconds
