"""Variables, their tags, and the values they had before."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLES = ("variables", "variable_tags", "variable_versions")


def upgrade() -> None:
    op.create_table('variables',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('value', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_variables_workspaces'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_variables')),
    sa.UniqueConstraint('workspace_id', 'name', name=op.f('uq_variables_workspace_id_name'))
    )
    op.create_table('variable_tags',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('tag', sa.Text(), nullable=False),
    sa.Column('variable_id', sa.UUID(), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'variable_id'], ['variables.workspace_id', 'variables.id'], name=op.f('fk_variable_tags_variables'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'tag', 'variable_id', name=op.f('pk_variable_tags'))
    )
    op.create_index('ix_variable_tags_variable', 'variable_tags', ['workspace_id', 'variable_id'], unique=False)
    op.create_table('variable_versions',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('variable_id', sa.UUID(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('value', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('tags', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('changed_by_kind', sa.Text(), nullable=False),
    sa.Column('changed_by_id', sa.UUID(), nullable=True),
    sa.Column('changed_by_name', sa.Text(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'variable_id'], ['variables.workspace_id', 'variables.id'], name=op.f('fk_variable_versions_variables'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'variable_id', 'version', name=op.f('pk_variable_versions'))
    )
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
