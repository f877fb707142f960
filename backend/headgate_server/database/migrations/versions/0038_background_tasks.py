"""The queue of background tasks."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

TABLE = "background_tasks"


def upgrade() -> None:
    op.create_table('background_tasks',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('task_key', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('parameters', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
    sa.Column('tags', postgresql.ARRAY(sa.Text()), nullable=True),
    sa.Column('priority', sa.BigInteger(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('turn_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state_type', sa.Text(), nullable=False),
    sa.Column('state_name', sa.Text(), nullable=False),
    sa.Column('message', sa.Text(), nullable=True),
    sa.Column('result', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('worker_id', sa.UUID(), nullable=True),
    sa.Column('token', sa.UUID(), nullable=True),
    sa.Column('epoch', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('leased_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('is_started', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('losses', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('cancel_requested_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_by_kind', sa.Text(), nullable=False),
    sa.Column('created_by_id', sa.UUID(), nullable=True),
    sa.Column('created_by_name', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('leased_until is null or token is not null', name=op.f('ck_background_tasks_lease')),
    sa.CheckConstraint('ended_at is null or leased_until is null', name=op.f('ck_background_tasks_ended')),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_background_tasks_workspaces'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_background_tasks')),
    postgresql_with={'fillfactor': '70', 'autovacuum_vacuum_scale_factor': '0.02', 'autovacuum_vacuum_cost_delay': '0'}
    )
    op.create_index('ix_background_tasks_turn', TABLE, ['workspace_id', 'task_key', 'turn_at', 'id'], unique=False, postgresql_where=sa.text('ended_at is null'))
    op.create_index('ix_background_tasks_due', TABLE, ['workspace_id', 'due_at'], unique=False, postgresql_where=sa.text('ended_at is null'))
    op.create_index('ix_background_tasks_leased', TABLE, ['workspace_id', 'leased_until'], unique=False, postgresql_where=sa.text('leased_until is not null'))
    op.create_index('ix_background_tasks_ended', TABLE, ['workspace_id', 'ended_at'], unique=False, postgresql_where=sa.text('ended_at is not null'))
    prefix = context.config.attributes["role_prefix"]
    app, system = f"{prefix}_app", f"{prefix}_system"
    op.execute(f"alter table {TABLE} enable row level security")
    op.execute(f"alter table {TABLE} force row level security")
    op.execute(
        f'create policy tenant on {TABLE} to "{app}" '
        "using (workspace_id = (select current_setting('app.workspace_id')::uuid)) "
        "with check (workspace_id = (select current_setting('app.workspace_id')::uuid))"
    )
    op.execute(f'create policy system on {TABLE} to "{system}" using (true) with check (true)')
    op.execute(f'grant select, insert, update, delete on {TABLE} to "{app}", "{system}"')


def downgrade() -> None:
    op.drop_table(TABLE)
