"""Days get their partitions one by one, beside whoever reads for long and where rows came first.

``create table … partition of`` keeps everybody from the parent for as long as somebody reads it: a
backup does for hours. A table that was made beside is attached without that; only the default
partition is locked, and nobody waits for it longer than 100 ms.

Where nothing made partitions for longer than they were made ahead (an installation that rested, a
backup of weeks ago), the first rows of a day fall into the default one, and Postgres attaches no
partition for rows that are there. They move into their own, nearly all of them before the lock.
"""

from alembic import context, op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None

MOST_STRAYS = 100_000
"""Of a day that has more the rows stay: to move them would take longer than a statement may."""

_MAKE_PARTITION = f"""
create function make_partition(parent text, day date) returns boolean
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '100ms'
as $$
declare
  child text := parent || '_' || to_char(day, 'YYYYMMDD');
  strays text := parent || '_default';
  key text := case parent when 'events' then 'occurred_at' else 'flow_run_id' end;
  low text := quote_literal(day::timestamp at time zone 'UTC');
  high text := quote_literal((day + 1)::timestamp at time zone 'UTC');
  of_day text;
  stray_count integer;
  move text;
begin
  if parent not in ('states', 'logs', 'events')
    or day not between current_date - 1 and current_date + 400 then
    raise exception 'not a partition to be made: %', child;
  end if;
  if not pg_try_advisory_xact_lock(hashtext('headgate.make_partitions'))
    or to_regclass(child) is not null then
    return false;
  end if;
  if parent <> 'events' then
    low := quote_literal(uuid_floor(day::timestamp at time zone 'UTC'));
    high := quote_literal(uuid_floor((day + 1)::timestamp at time zone 'UTC'));
  end if;
  of_day := format('%I where %I >= %s and %I < %s', strays, key, low, key, high);
  execute format('select count(*) from (select from %s limit {MOST_STRAYS} + 1) stray', of_day)
    into stray_count;
  if stray_count > {MOST_STRAYS} then
    return false;
  end if;
  execute format('create table %I (like %I including all)', child, parent);
  select format('with moved as (delete from %s returning %s) insert into %I (%s) select * from moved',
                of_day, string_agg(quote_ident(attname), ', ' order by attnum),
                child, string_agg(quote_ident(attname), ', ' order by attnum))
  into move
  from pg_attribute
  where attrelid = parent::regclass and attnum > 0 and not attisdropped and attgenerated = '';
  if stray_count > 0 then
    execute move;
  end if;
  execute format('lock table %I in access exclusive mode', strays);
  execute move;
  execute format('alter table %I attach partition %I for values from (%s) to (%s)',
                 parent, child, low, high);
  return true;
end $$
"""
_MAKE_PARTITIONS = """
create or replace function make_partitions(days_ahead integer) returns integer
language sql security definer set search_path = public, pg_temp as $$
  select count(*) filter (where make_partition(parent, current_date + number))::integer
  from generate_series(-1, days_ahead) number,
    unnest(array['states', 'logs', 'events']) parent
$$
"""
_MADE_AT_ONCE = """
create or replace function make_partitions(days_ahead integer) returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  day date;
  made integer := 0;
  parent text;
  child text;
  low text;
  high text;
begin
  if days_ahead < 0 or days_ahead > 400 then
    raise exception 'days_ahead is from 0 to 400';
  end if;
  perform pg_advisory_xact_lock(hashtext('headgate.make_partitions'));
  for day in select generate_series(current_date - 1, current_date + days_ahead, '1 day')::date loop
    foreach parent in array array['states', 'logs', 'events'] loop
      child := parent || '_' || to_char(day, 'YYYYMMDD');
      continue when to_regclass(child) is not null;
      if parent = 'events' then
        low := quote_literal(day::timestamp at time zone 'UTC');
        high := quote_literal((day + 1)::timestamp at time zone 'UTC');
      else
        low := quote_literal(uuid_floor(day::timestamp at time zone 'UTC'));
        high := quote_literal(uuid_floor((day + 1)::timestamp at time zone 'UTC'));
      end if;
      execute format('create table %I partition of %I for values from (%s) to (%s)',
                     child, parent, low, high);
      made := made + 1;
    end loop;
  end loop;
  return made;
end $$
"""


def upgrade() -> None:
    system = f"{context.config.attributes['role_prefix']}_system"
    op.execute(_MAKE_PARTITION)
    op.execute("revoke all on function make_partition(text, date) from public")
    op.execute(f'grant execute on function make_partition(text, date) to "{system}"')
    op.execute(_MAKE_PARTITIONS)


def downgrade() -> None:
    op.execute(_MADE_AT_ONCE)
    op.execute("drop function make_partition(text, date)")
