"""Concurrency limits, the slots that are taken of them, and who waits for some."""

import sqlalchemy as sa
from alembic import context, op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

TABLES = ("concurrency_limits", "concurrency_slots", "concurrency_waiters")
OFTEN = {"autovacuum_vacuum_scale_factor": "0.05", "autovacuum_vacuum_cost_delay": "0"}


def upgrade() -> None:
    op.create_table('concurrency_limits',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('task_tag', sa.Text(), nullable=True),
    sa.Column('slot_limit', sa.BigInteger(), nullable=False),
    sa.Column('slot_decay_per_second', sa.Double(), server_default=sa.text('0'), nullable=False),
    sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('slot_decay_per_second >= 0', name=op.f('ck_concurrency_limits_slot_decay_per_second')),
    sa.CheckConstraint('slot_limit >= 0', name=op.f('ck_concurrency_limits_slot_limit')),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_concurrency_limits_workspaces'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_concurrency_limits')),
    sa.UniqueConstraint('workspace_id', 'name', name=op.f('uq_concurrency_limits_workspace_id_name')),
    sa.UniqueConstraint('workspace_id', 'task_tag', name=op.f('uq_concurrency_limits_workspace_id_task_tag'))
    )
    op.create_table('concurrency_slots',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('limit_id', sa.UUID(), nullable=False),
    sa.Column('lease_id', sa.UUID(), nullable=False),
    sa.Column('slots', sa.BigInteger(), nullable=False),
    sa.Column('run_id', sa.UUID(), nullable=True),
    sa.Column('epoch', sa.BigInteger(), nullable=True),
    sa.Column('acquired_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('run_id is not null or expires_at is not null', name=op.f('ck_concurrency_slots_end')),
    sa.CheckConstraint('slots > 0', name=op.f('ck_concurrency_slots_slots')),
    sa.ForeignKeyConstraint(['workspace_id', 'limit_id'], ['concurrency_limits.workspace_id', 'concurrency_limits.id'], name=op.f('fk_concurrency_slots_concurrency_limits'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['workspace_id', 'run_id'], ['work_items.workspace_id', 'work_items.run_id'], name=op.f('fk_concurrency_slots_work_items'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'limit_id', 'lease_id', name=op.f('pk_concurrency_slots')),
    postgresql_with=OFTEN
    )
    op.create_index('ix_concurrency_slots_lease', 'concurrency_slots', ['workspace_id', 'lease_id'], unique=False)
    op.create_index('ix_concurrency_slots_run', 'concurrency_slots', ['workspace_id', 'run_id'], unique=False, postgresql_where=sa.text('run_id is not null'))
    op.create_index('ix_concurrency_slots_expiry', 'concurrency_slots', ['expires_at'], unique=False, postgresql_where=sa.text('expires_at is not null'))
    op.create_table('concurrency_waiters',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('limit_id', sa.UUID(), nullable=False),
    sa.Column('lease_id', sa.UUID(), nullable=False),
    sa.Column('slots', sa.BigInteger(), nullable=False),
    sa.Column('priority', sa.BigInteger(), nullable=False),
    sa.Column('run_id', sa.UUID(), nullable=True),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'limit_id'], ['concurrency_limits.workspace_id', 'concurrency_limits.id'], name=op.f('fk_concurrency_waiters_concurrency_limits'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'limit_id', 'lease_id', name=op.f('pk_concurrency_waiters')),
    postgresql_with=OFTEN
    )
    op.create_index('ix_concurrency_waiters_lease', 'concurrency_waiters', ['workspace_id', 'lease_id'], unique=False)
    op.create_index('ix_concurrency_waiters_expiry', 'concurrency_waiters', ['expires_at'], unique=False)
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
