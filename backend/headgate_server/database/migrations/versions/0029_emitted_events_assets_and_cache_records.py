"""Events that programs emit, assets with their lineage, and records of cached results."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

TABLES = ("emitted_events", "assets", "asset_materializations", "asset_edges", "cache_records")


def upgrade() -> None:
    op.add_column('outbox', sa.Column('follows', sa.UUID(), nullable=True))
    op.add_column('events', sa.Column('follows', sa.UUID(), nullable=True))
    op.create_table('emitted_events',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('event_id', sa.UUID(), nullable=False),
    sa.Column('emitted_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_emitted_events_workspaces'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'event_id', name=op.f('pk_emitted_events'))
    )
    op.create_index('ix_emitted_events_age', 'emitted_events', ['workspace_id', 'emitted_at'], unique=False)
    _make_assets()
    op.create_table('cache_records',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('result', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('flow_run_id', sa.UUID(), nullable=True),
    sa.Column('task_run_id', sa.UUID(), nullable=True),
    sa.Column('written_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('lock_token', sa.UUID(), nullable=True),
    sa.Column('lock_run_id', sa.UUID(), nullable=True),
    sa.Column('lock_epoch', sa.BigInteger(), nullable=True),
    sa.Column('locked_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('touched_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_cache_records_workspaces'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'key', name=op.f('pk_cache_records'))
    )
    op.create_index('ix_cache_records_age', 'cache_records', ['workspace_id', 'touched_at'], unique=False)
    prefix = context.config.attributes["role_prefix"]
    app, system = f"{prefix}_app", f"{prefix}_system"
    for table in TABLES:
        _wall(table, app=app, system=system)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_column('events', 'follows')
    op.drop_column('outbox', 'follows')


def _make_assets() -> None:
    op.create_table('assets',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('owners', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False),
    sa.Column('url', sa.Text(), nullable=True),
    sa.Column('fresh_seconds', sa.BigInteger(), nullable=True),
    sa.Column('materialized_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_assets_workspaces'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_assets')),
    sa.UniqueConstraint('workspace_id', 'key', name=op.f('uq_assets_workspace_id_key'))
    )
    op.create_table('asset_materializations',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('asset_id', sa.UUID(), nullable=False),
    sa.Column('flow_run_id', sa.UUID(), nullable=True),
    sa.Column('task_run_id', sa.UUID(), nullable=True),
    sa.Column('is_success', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('made_by', sa.Text(), nullable=True),
    sa.Column('metadata', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'asset_id'], ['assets.workspace_id', 'assets.id'], name=op.f('fk_asset_materializations_assets'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_asset_materializations'))
    )
    op.create_index('ix_asset_materializations_asset', 'asset_materializations', ['workspace_id', 'asset_id', 'made_at', 'id'], unique=False)
    op.create_index('ix_asset_materializations_age', 'asset_materializations', ['workspace_id', 'made_at'], unique=False)
    op.create_table('asset_edges',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('downstream_id', sa.UUID(), nullable=False),
    sa.Column('upstream_id', sa.UUID(), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'downstream_id'], ['assets.workspace_id', 'assets.id'], name='fk_asset_edges_downstream', ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['workspace_id', 'upstream_id'], ['assets.workspace_id', 'assets.id'], name='fk_asset_edges_upstream', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'downstream_id', 'upstream_id', name=op.f('pk_asset_edges'))
    )
    op.create_index('ix_asset_edges_upstream', 'asset_edges', ['workspace_id', 'upstream_id', 'downstream_id'], unique=False)


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
