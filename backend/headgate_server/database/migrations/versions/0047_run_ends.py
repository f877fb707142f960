"""Runs whose end has yet to reach what is below them: a loop carries it there in batches."""

import sqlalchemy as sa
from alembic import context, op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('run_ends',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('run_id', sa.UUID(), nullable=False),
    sa.Column('is_cancelled', sa.Boolean(), nullable=False),
    sa.Column('process_end', sa.Text(), nullable=True),
    sa.Column('grace_seconds', sa.BigInteger(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('after_run_id', sa.UUID(), nullable=True),
    sa.Column('skipped', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.CheckConstraint("process_end in ('CANCELLED', 'CRASHED')", name=op.f('ck_run_ends_process_end')),
    sa.ForeignKeyConstraint(['workspace_id', 'run_id'], ['flow_runs.workspace_id', 'flow_runs.id'], name=op.f('fk_run_ends_flow_runs'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_run_ends')),
    postgresql_with={'fillfactor': '60', 'autovacuum_vacuum_scale_factor': '0.02'}
    )
    op.create_index('ix_run_ends_due', 'run_ends', ['due_at'], unique=False)
    op.create_index('ix_run_ends_run', 'run_ends', ['workspace_id', 'run_id'], unique=False)
    prefix = context.config.attributes["role_prefix"]
    _wall("run_ends", app=f"{prefix}_app", system=f"{prefix}_system")


def downgrade() -> None:
    op.drop_table("run_ends")


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
