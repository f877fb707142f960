"""Groups of runs that failed alike, and the failures that are in none yet."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

TABLES = ("failure_groups", "failures", "ungrouped_failures")


def upgrade() -> None:
    op.create_table('failure_groups',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('flow_id', sa.UUID(), nullable=False),
    sa.Column('fingerprint', sa.Text(), nullable=False),
    sa.Column('exception_type', sa.Text(), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('frames', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('first_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('failure_count', sa.BigInteger(), nullable=False),
    sa.Column('run_count', sa.BigInteger(), nullable=False),
    sa.Column('regression_count', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('first_version_id', sa.UUID(), nullable=True),
    sa.Column('last_version_id', sa.UUID(), nullable=True),
    sa.Column('resolved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('regressed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('changed_by_kind', sa.Text(), nullable=True),
    sa.Column('changed_by_id', sa.UUID(), nullable=True),
    sa.Column('changed_by_name', sa.Text(), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("status in ('OPEN', 'MUTED', 'RESOLVED', 'REGRESSED')", name=op.f('ck_failure_groups_status')),
    sa.ForeignKeyConstraint(['workspace_id', 'flow_id'], ['flows.workspace_id', 'flows.id'], name=op.f('fk_failure_groups_flows'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_failure_groups')),
    sa.UniqueConstraint('workspace_id', 'flow_id', 'fingerprint', name=op.f('uq_failure_groups_workspace_id_flow_id_fingerprint')),
    postgresql_with={'fillfactor': '80'}
    )
    op.create_index('ix_failure_groups_latest', 'failure_groups', ['workspace_id', 'last_seen_at', 'id'], unique=False)
    op.create_table('failures',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('flow_run_id', sa.UUID(), nullable=False),
    sa.Column('sequence', sa.BigInteger(), nullable=False),
    sa.Column('group_id', sa.UUID(), nullable=False),
    sa.Column('failed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'flow_run_id'], ['flow_runs.workspace_id', 'flow_runs.id'], name=op.f('fk_failures_flow_runs'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['workspace_id', 'group_id'], ['failure_groups.workspace_id', 'failure_groups.id'], name=op.f('fk_failures_failure_groups'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'flow_run_id', 'sequence', name=op.f('pk_failures'))
    )
    op.create_index('ix_failures_group', 'failures', ['workspace_id', 'group_id', 'flow_run_id'], unique=False)
    op.create_table('ungrouped_failures',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('flow_run_id', sa.UUID(), nullable=False),
    sa.Column('sequence', sa.BigInteger(), nullable=False),
    sa.Column('deployment_version_id', sa.UUID(), nullable=True),
    sa.Column('failed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'flow_run_id'], ['flow_runs.workspace_id', 'flow_runs.id'], name=op.f('fk_ungrouped_failures_flow_runs'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'flow_run_id', 'sequence', name=op.f('pk_ungrouped_failures')),
    postgresql_with={'autovacuum_vacuum_scale_factor': '0.05', 'autovacuum_vacuum_cost_delay': '1'}
    )
    op.create_index('ix_ungrouped_failures_oldest', 'ungrouped_failures', ['failed_at'], unique=False)
    prefix = context.config.attributes["role_prefix"]
    app, system = f"{prefix}_app", f"{prefix}_system"
    for table in TABLES:
        _wall(table, app=app, system=system)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


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
