"""A day whose rows came before it: they go from the default partition into its own.

Where nothing made partitions for longer than they were made ahead (an installation that rested, a
backup of weeks ago), the first rows of a day fall into the default one, and Postgres attaches no
partition for rows that are there.
"""

from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None

_MADE_EMPTY = """
      execute format('create table %I partition of %I for values from (%s) to (%s)',
                     child, parent, low, high);
"""
_MADE_WITH_STRAYS = """
      key := case parent when 'events' then 'occurred_at' else 'flow_run_id' end;
      strays := parent || '_default';
      execute format('lock table only %I in access exclusive mode', parent);
      execute format('lock table %I in access exclusive mode', strays);
      execute format('select exists (select from %I where %I >= %s and %I < %s)',
                     strays, key, low, key, high) into has_strays;
      if has_strays then
        select string_agg(quote_ident(attname), ', ' order by attnum) into columns
        from pg_attribute
        where attrelid = parent::regclass and attnum > 0 and not attisdropped
          and attgenerated = '';
        execute format('create table %I (like %I including defaults including constraints)',
                       child, parent);
        execute format('with moved as (delete from %I where %I >= %s and %I < %s returning %s) '
                       'insert into %I (%s) select %s from moved',
                       strays, key, low, key, high, columns, child, columns, columns);
        execute format('alter table %I attach partition %I for values from (%s) to (%s)',
                       parent, child, low, high);
      else
        execute format('create table %I partition of %I for values from (%s) to (%s)',
                       child, parent, low, high);
      end if;
"""
_DECLARED = """
  key text;
  strays text;
  columns text;
  has_strays boolean;"""
_MAKE_PARTITIONS = """
create or replace function make_partitions(days_ahead integer) returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  day date;
  made integer := 0;
  parent text;
  child text;
  low text;
  high text;{declared}
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
      end if;{make}
      made := made + 1;
    end loop;
  end loop;
  return made;
end $$
"""


def upgrade() -> None:
    op.execute(_MAKE_PARTITIONS.format(declared=_DECLARED, make=_MADE_WITH_STRAYS))


def downgrade() -> None:
    op.execute(_MAKE_PARTITIONS.format(declared="", make=_MADE_EMPTY))
