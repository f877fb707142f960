"""Saved views."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('saved_views',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('page', sa.Text(), nullable=False),
    sa.Column('filter', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('columns', postgresql.ARRAY(sa.Text()), nullable=True),
    sa.Column('is_shared', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_by_kind', sa.Text(), nullable=False),
    sa.Column('created_by_id', sa.UUID(), nullable=True),
    sa.Column('created_by_name', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_saved_views_workspaces')),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_saved_views'))
    )
    op.create_index('ix_saved_views_page', 'saved_views', ['workspace_id', 'page', 'name', 'id'], unique=False)
    prefix = context.config.attributes["role_prefix"]
    _wall("saved_views", app=f"{prefix}_app", system=f"{prefix}_system")


def downgrade() -> None:
    op.drop_table("saved_views")


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
