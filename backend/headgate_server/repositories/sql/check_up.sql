-- What an operator should know of a database, in one row; only what every role may see.
with daily as (
  select parent.relname as parent,
    max(to_date(substring(child.relname from '_(\d{8})$'), 'YYYYMMDD')) as last_day
  from pg_inherits link
  join pg_class parent on parent.oid = link.inhparent
  join pg_class child on child.oid = link.inhrelid
  where parent.relname in ('states', 'logs', 'events') and child.relname ~ '_\d{8}$'
  group by parent.relname
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
  coalesce((select min(last_day) - current_date from daily), -1) as days_ahead,
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
