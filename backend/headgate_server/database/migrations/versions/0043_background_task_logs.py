"""The logs of background tasks, and the indexes that their lists read by."""

import sqlalchemy as sa
from alembic import context, op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

TABLE = "background_task_logs"
TASKS = "background_tasks"


def upgrade() -> None:
    op.create_table(TABLE,
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('task_id', sa.UUID(), nullable=False),
    sa.Column('epoch', sa.BigInteger(), nullable=False),
    sa.Column('sequence', sa.BigInteger(), nullable=False),
    sa.Column('timestamp', sa.DateTime(timezone=True), nullable=False),
    sa.Column('level', sa.BigInteger(), nullable=False),
    sa.Column('logger', sa.Text(), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'task_id'], ['background_tasks.workspace_id', 'background_tasks.id'], name=op.f('fk_background_task_logs_background_tasks'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'task_id', 'epoch', 'sequence', name=op.f('pk_background_task_logs'))
    )
    op.create_index('ix_background_tasks_created', TASKS, ['workspace_id', 'created_at', 'id'], unique=False)
    op.create_index('ix_background_tasks_state', TASKS, ['workspace_id', 'state_type', 'created_at', 'id'], unique=False)
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
    op.drop_index('ix_background_tasks_state', table_name=TASKS)
    op.drop_index('ix_background_tasks_created', table_name=TASKS)
    op.drop_table(TABLE)
