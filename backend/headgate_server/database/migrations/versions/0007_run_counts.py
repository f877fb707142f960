"""Runs counted by hour for histograms, and the hours whose counts are stale."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects.postgresql import UUID

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MARK_MOVED = """
create function mark_moved_run() returns trigger language plpgsql as $$
begin
  insert into stale_run_hours (workspace_id, hour)
  select new.workspace_id, date_trunc('hour', moved.at)
  from (values (old.expected_start), (new.expected_start)) as moved(at)
  on conflict do nothing;
  return null;
end $$
"""

MARK_DELETED = """
create function mark_deleted_runs() returns trigger language plpgsql as $$
begin
  insert into stale_run_hours (workspace_id, hour)
  select distinct workspace_id, date_trunc('hour', expected_start) from gone
  on conflict do nothing;
  return null;
end $$
"""

MOVED = """
create trigger flow_run_moved after update of expected_start on flow_runs
for each row when (old.expected_start is distinct from new.expected_start)
execute function mark_moved_run()
"""

DELETED = """
create trigger flow_runs_deleted after delete on flow_runs
referencing old table as gone for each statement
execute function mark_deleted_runs()
"""

MARK_ALL = """
insert into stale_run_hours (workspace_id, hour)
select distinct workspace_id, date_trunc('hour', expected_start) from flow_runs
"""


def upgrade() -> None:
    op.create_table(
        "run_counts",
        sa.Column("workspace_id", UUID(as_uuid=True), nullable=False),
        sa.Column("scope_id", UUID(as_uuid=True), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_run_counts_workspaces"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "scope_id", "hour", "state_type", name=op.f("pk_run_counts")
        ),
    )
    op.create_table(
        "stale_run_hours",
        sa.Column("workspace_id", UUID(as_uuid=True), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "marked_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_stale_run_hours_workspaces"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "hour", name=op.f("pk_stale_run_hours")),
    )
    op.add_column("outbox", sa.Column("run_hour", sa.DateTime(timezone=True), nullable=True))
    # The owner is bound by the walls, too, unless it is a superuser.
    op.execute("alter table flow_runs no force row level security")
    op.execute(MARK_ALL)
    op.execute("alter table flow_runs force row level security")
    for statement in (MARK_MOVED, MARK_DELETED, MOVED, DELETED):
        op.execute(statement)
    prefix = context.config.attributes["role_prefix"]
    for table in ("run_counts", "stale_run_hours"):
        _wall(table, app=f"{prefix}_app", system=f"{prefix}_system")


def downgrade() -> None:
    raise NotImplementedError("restore a backup: counts are made from the runs again")


def _wall(table: str, *, app: str, system: str) -> None:
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(
        f'create policy tenant on {table} to "{app}" '
        "using (workspace_id = (select current_setting('app.workspace_id')::uuid)) "
        "with check (workspace_id = (select current_setting('app.workspace_id')::uuid))"
    )
    op.execute(f'create policy system on {table} to "{system}" using (true) with check (true)')
    op.execute(f'grant select, insert, update, delete on {table} to "{app}", "{system}"')
