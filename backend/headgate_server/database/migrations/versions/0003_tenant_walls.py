"""Partitions and their maker, row-level security, and what each role may do."""

from alembic import context, op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WORKSPACE_TABLES = (
    "agent_sessions",
    "agents",
    "attempts",
    "deployment_tags",
    "deployments",
    "events",
    "flow_run_cursors",
    "flow_run_tags",
    "flow_runs",
    "flow_tags",
    "flows",
    "idempotency_keys",
    "logs",
    "outbox",
    "schedule_fires",
    "schedules",
    "states",
    "task_runs",
    "work_items",
    "work_pools",
    "work_queues",
)
ORGANIZATION_TABLES = {
    "organizations": "id",
    "workspaces": "organization_id",
    "service_accounts": "organization_id",
    "api_keys": "organization_id",
}

MAKE_PARTITIONS = """
create function make_partitions(days_ahead integer) returns integer
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

UUID_FLOOR = """
create function uuid_floor(at timestamptz) returns uuid language sql immutable as $$
  select (lpad(to_hex(floor(extract(epoch from at) * 1000)::bigint), 12, '0')
          || repeat('0', 20))::uuid
$$
"""


def upgrade() -> None:
    prefix = context.config.attributes["role_prefix"]
    app, system = f"{prefix}_app", f"{prefix}_system"
    op.execute("create sequence event_sequence")
    op.execute(UUID_FLOOR)
    op.execute(MAKE_PARTITIONS)
    for parent in ("states", "logs", "events"):
        op.execute(f"create table {parent}_default partition of {parent} default")
    op.execute("select make_partitions(14)")
    op.execute(
        "insert into control_plane (id, generation, last_tick_at, last_served_at) "
        "values (1, gen_random_uuid(), now(), now())"
    )
    for table in WORKSPACE_TABLES:
        _wall(table, column="workspace_id", setting="app.workspace_id", app=app, system=system)
    for table, column in ORGANIZATION_TABLES.items():
        _wall(table, column=column, setting="app.organization_id", app=app, system=system)
    _wall("users", column="id", setting="app.actor_id", app=app, system=system)
    op.execute("revoke all on function make_partitions(integer) from public")
    op.execute(f'grant execute on function make_partitions(integer) to "{system}"')
    op.execute(f'grant usage on sequence event_sequence to "{system}"')
    op.execute(f'grant select, update on control_plane to "{system}"')
    op.execute(f'grant select on control_plane to "{app}"')
    for role in (app, system):
        op.execute(f'grant usage on schema public to "{role}"')
        op.execute(f'grant select on alembic_version to "{role}"')


def downgrade() -> None:
    raise NotImplementedError("restore a backup: the walls between tenants are not taken down")


def _wall(table: str, *, column: str, setting: str, app: str, system: str) -> None:
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(
        f'create policy tenant on {table} to "{app}" '
        f"using ({column} = (select current_setting('{setting}')::uuid)) "
        f"with check ({column} = (select current_setting('{setting}')::uuid))"
    )
    op.execute(f'create policy system on {table} to "{system}" using (true) with check (true)')
    op.execute(f'grant select, insert, update, delete on {table} to "{app}", "{system}"')
