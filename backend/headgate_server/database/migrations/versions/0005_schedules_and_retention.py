"""Outages of schedules, what they were reckoned with, retention, and the end of partitions."""

import sqlalchemy as sa
from alembic import context, op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

OLD_PARTITION = """
create function old_partition(child text) returns regclass
language plpgsql stable set search_path = public, pg_temp as $$
declare
  found regclass := to_regclass(quote_ident(child));
begin
  if child !~ '^(states|logs|events)_[0-9]{8}$' or found is null
    or to_date(right(child, 8), 'YYYYMMDD') > current_date - 2 then
    raise exception 'not an old partition: %', child;
  end if;
  return found;
end $$
"""

LOCK_PARTITION = """
create function lock_old_partition(child text) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform old_partition(child);
  execute format('lock table only %I in access exclusive mode', split_part(child, '_', 1));
  execute format('lock table only %I in access exclusive mode', child);
end $$
"""

DROP_PARTITION = """
create function drop_old_partition(child text) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform old_partition(child);
  execute format('drop table %I', child);
end $$
"""


def upgrade() -> None:
    system = f"{context.config.attributes['role_prefix']}_system"
    op.add_column('schedules', sa.Column('episode_missed', sa.BigInteger(), server_default=sa.text('0'), nullable=False))
    op.add_column('schedules', sa.Column('episode_started_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('schedule_fires', sa.Column('tzdata', sa.Text(), nullable=True))
    op.create_index('ix_schedule_fires_run', 'schedule_fires', ['workspace_id', 'run_id'], unique=False, postgresql_where=sa.text('run_id is not null'))
    op.create_index('ix_schedule_fires_skipped', 'schedule_fires', ['workspace_id', 'fire_at'], unique=False, postgresql_where=sa.text('run_id is null'))
    op.add_column('workspaces', sa.Column('runs_kept_days', sa.BigInteger(), server_default=sa.text('365'), nullable=False))
    op.add_column('workspaces', sa.Column('logs_kept_days', sa.BigInteger(), server_default=sa.text('90'), nullable=False))
    op.add_column('workspaces', sa.Column('events_kept_days', sa.BigInteger(), server_default=sa.text('90'), nullable=False))
    op.create_check_constraint(op.f('ck_workspaces_runs_kept'), 'workspaces', 'runs_kept_days between 1 and 3650')
    op.create_check_constraint(op.f('ck_workspaces_logs_kept'), 'workspaces', 'logs_kept_days between 1 and runs_kept_days')
    op.create_check_constraint(op.f('ck_workspaces_events_kept'), 'workspaces', 'events_kept_days between 1 and 3650')
    op.execute(OLD_PARTITION)
    for name, body in (("lock_old_partition", LOCK_PARTITION), ("drop_old_partition", DROP_PARTITION)):
        op.execute(body)
        op.execute(f"revoke all on function {name}(text) from public")
        op.execute(f'grant execute on function {name}(text) to "{system}"')


def downgrade() -> None:
    op.execute("drop function drop_old_partition(text)")
    op.execute("drop function lock_old_partition(text)")
    op.execute("drop function old_partition(text)")
    for name in ("runs_kept", "logs_kept", "events_kept"):
        op.drop_constraint(op.f(f'ck_workspaces_{name}'), 'workspaces', type_='check')
        op.drop_column('workspaces', f'{name}_days')
    op.drop_index('ix_schedule_fires_skipped', table_name='schedule_fires', postgresql_where=sa.text('run_id is null'))
    op.drop_index('ix_schedule_fires_run', table_name='schedule_fires', postgresql_where=sa.text('run_id is not null'))
    op.drop_column('schedule_fires', 'tzdata')
    op.drop_column('schedules', 'episode_started_at')
    op.drop_column('schedules', 'episode_missed')
