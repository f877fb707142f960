"""Artifacts, and which is the latest of each key."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

TABLES = ("artifacts", "artifact_keys")


def upgrade() -> None:
    op.create_table('artifacts',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('key', sa.Text(), nullable=True),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('data', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('metadata', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('flow_run_id', sa.UUID(), nullable=True),
    sa.Column('task_run_id', sa.UUID(), nullable=True),
    sa.Column('size_bytes', sa.BigInteger(), nullable=False),
    sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_artifacts_workspaces'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_artifacts'))
    )
    op.create_index('ix_artifacts_newest', 'artifacts', ['workspace_id', 'created_at', 'id'], unique=False)
    for name, column in (('key', 'key'), ('run', 'flow_run_id'), ('task', 'task_run_id')):
        op.create_index(f'ix_artifacts_{name}', 'artifacts', ['workspace_id', column, 'created_at', 'id'], unique=False, postgresql_where=sa.text(f'{column} is not null'))
    op.create_table('artifact_keys',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('artifact_id', sa.UUID(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'artifact_id'], ['artifacts.workspace_id', 'artifacts.id'], name=op.f('fk_artifact_keys_artifacts'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'key', name=op.f('pk_artifact_keys'))
    )
    op.create_index('ix_artifact_keys_newest', 'artifact_keys', ['workspace_id', 'created_at', 'artifact_id'], unique=False)
    op.create_index('ix_artifact_keys_artifact', 'artifact_keys', ['workspace_id', 'artifact_id'], unique=False)
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
