"""Pauses of runs with their answers, and the inputs that runs are sent."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

TABLES = ("pauses", "run_inputs")


def upgrade() -> None:
    op.create_table('pauses',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('flow_run_id', sa.UUID(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('epoch', sa.BigInteger(), nullable=False),
    sa.Column('schema', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('initial', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('approvers', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('input', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answered_by_kind', sa.Text(), nullable=True),
    sa.Column('answered_by_id', sa.UUID(), nullable=True),
    sa.Column('answered_by_name', sa.Text(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.CheckConstraint("kind in ('PAUSE', 'SUSPEND')", name=op.f('ck_pauses_kind')),
    sa.CheckConstraint("status in ('WAITING', 'RESUMED', 'REJECTED', 'EXPIRED', 'ENDED')", name=op.f('ck_pauses_status')),
    sa.CheckConstraint("status not in ('RESUMED', 'REJECTED') or answered_at is not null", name=op.f('ck_pauses_answered')),
    sa.ForeignKeyConstraint(['workspace_id', 'flow_run_id'], ['flow_runs.workspace_id', 'flow_runs.id'], name=op.f('fk_pauses_flow_runs'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'flow_run_id', 'key', name=op.f('pk_pauses'))
    )
    op.create_index('ux_pauses_waiting', 'pauses', ['workspace_id', 'flow_run_id'], unique=True, postgresql_where=sa.text("status = 'WAITING'"))
    op.create_index('ix_pauses_expiring', 'pauses', ['expires_at'], unique=False, postgresql_where=sa.text("status = 'WAITING' and expires_at is not null"))
    op.create_index('ix_pauses_open', 'pauses', ['workspace_id', 'created_at', 'flow_run_id'], unique=False, postgresql_where=sa.text("status = 'WAITING'"))
    op.create_table('run_inputs',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('flow_run_id', sa.UUID(), nullable=False),
    sa.Column('sequence', sa.BigInteger(), nullable=False),
    sa.Column('keyset', sa.Text(), nullable=False),
    sa.Column('message_id', sa.Text(), nullable=False),
    sa.Column('payload', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('sent_by_kind', sa.Text(), nullable=False),
    sa.Column('sent_by_id', sa.UUID(), nullable=True),
    sa.Column('sent_by_name', sa.Text(), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'flow_run_id'], ['flow_runs.workspace_id', 'flow_runs.id'], name=op.f('fk_run_inputs_flow_runs'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'flow_run_id', 'sequence', name=op.f('pk_run_inputs'))
    )
    op.create_index('ux_run_inputs_message', 'run_inputs', ['workspace_id', 'flow_run_id', 'message_id'], unique=True)
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
