"""Backfills and their items."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

TABLES = ("backfills", "backfill_items")


def upgrade() -> None:
    op.create_table('backfills',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('deployment_id', sa.UUID(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('parallelism', sa.BigInteger(), nullable=False),
    sa.Column('priority', sa.BigInteger(), nullable=False),
    sa.Column('is_descending', sa.Boolean(), nullable=False),
    sa.Column('item_count', sa.BigInteger(), nullable=False),
    sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_by_kind', sa.Text(), nullable=False),
    sa.Column('created_by_id', sa.UUID(), nullable=True),
    sa.Column('created_by_name', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("status in ('RUNNING', 'PAUSED', 'COMPLETED', 'CANCELLED')", name=op.f('ck_backfills_status')),
    sa.CheckConstraint("(status = 'RUNNING') = (due_at is not null)", name=op.f('ck_backfills_due')),
    sa.ForeignKeyConstraint(['workspace_id', 'deployment_id'], ['deployments.workspace_id', 'deployments.id'], name=op.f('fk_backfills_deployments'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_backfills'))
    )
    op.create_index('ix_backfills_due', 'backfills', ['due_at'], unique=False, postgresql_where=sa.text('due_at is not null'))
    op.create_index('ix_backfills_deployment', 'backfills', ['workspace_id', 'deployment_id', 'id'], unique=False)
    op.create_table('backfill_items',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('backfill_id', sa.UUID(), nullable=False),
    sa.Column('position', sa.BigInteger(), nullable=False),
    sa.Column('instant', sa.DateTime(timezone=True), nullable=True),
    sa.Column('parameters', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('run_id', sa.UUID(), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.CheckConstraint("status in ('WAITING', 'STARTED', 'ENDED', 'REFUSED')", name=op.f('ck_backfill_items_status')),
    sa.ForeignKeyConstraint(['workspace_id', 'backfill_id'], ['backfills.workspace_id', 'backfills.id'], name=op.f('fk_backfill_items_backfills'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'backfill_id', 'position', name=op.f('pk_backfill_items'))
    )
    op.create_index('ix_backfill_items_status', 'backfill_items', ['workspace_id', 'backfill_id', 'status', 'position'], unique=False)
    op.create_index('ix_backfill_items_run', 'backfill_items', ['workspace_id', 'run_id'], unique=False, postgresql_where=sa.text('run_id is not null'))
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
