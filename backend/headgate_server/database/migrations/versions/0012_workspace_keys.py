"""The wrapped keys of workspaces, and the values that are sealed under them."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('workspace_keys',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('wrapped', postgresql.BYTEA(), nullable=True),
    sa.Column('kek_provider', sa.Text(), nullable=False),
    sa.Column('kek_id', sa.Text(), nullable=False),
    sa.Column('kek_version', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('destroyed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(wrapped is null) = (status = 'DESTROYED') and (destroyed_at is null) = (wrapped is not null)", name=op.f('ck_workspace_keys_destroyed')),
    sa.CheckConstraint("status in ('ACTIVE', 'DECRYPT', 'DESTROYED')", name=op.f('ck_workspace_keys_status')),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_workspace_keys_workspaces'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_workspace_keys'))
    )
    op.create_index('ix_workspace_keys_kek', 'workspace_keys', ['kek_provider', 'kek_id', 'kek_version', 'workspace_id', 'id'], unique=False)
    op.create_index('ux_workspace_keys_active', 'workspace_keys', ['workspace_id'], unique=True, postgresql_where=sa.text("status = 'ACTIVE'"))
    op.create_table('block_secrets',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('block_document_id', sa.UUID(), nullable=False),
    sa.Column('path', sa.Text(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('key_id', sa.UUID(), nullable=False),
    sa.Column('blob', postgresql.BYTEA(), nullable=False),
    sa.Column('fingerprint', sa.Text(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'key_id'], ['workspace_keys.workspace_id', 'workspace_keys.id'], name=op.f('fk_block_secrets_workspace_keys')),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_block_secrets_workspaces'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'block_document_id', 'path', name=op.f('pk_block_secrets'))
    )
    op.create_index('ix_block_secrets_key', 'block_secrets', ['workspace_id', 'key_id'], unique=False)
    prefix = context.config.attributes["role_prefix"]
    app, system = f"{prefix}_app", f"{prefix}_system"
    for table in ("workspace_keys", "block_secrets"):
        _wall(table, app=app, system=system)
    op.execute(f'grant select, insert, update on workspace_keys to "{app}"')
    op.execute(f'grant select, insert, update, delete on block_secrets to "{app}"')


def downgrade() -> None:
    raise NotImplementedError("restore a backup: what is sealed would be lost with its keys")


def _wall(table: str, *, app: str, system: str) -> None:
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(
        f'create policy tenant on {table} to "{app}" '
        "using (workspace_id = (select current_setting('app.workspace_id')::uuid)) "
        "with check (workspace_id = (select current_setting('app.workspace_id')::uuid))"
    )
    op.execute(f'create policy system on {table} to "{system}" using (true) with check (true)')
    op.execute(f'grant select, insert, update, delete on {table} to "{system}"')
