"""Block types, schemas, documents and references; which blocks the runs of deployments may use."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLES = ("block_types", "block_schemas", "block_documents", "block_references")


def upgrade() -> None:
    op.create_table('block_types',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('logo_url', sa.Text(), nullable=True),
    sa.Column('documentation_url', sa.Text(), nullable=True),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('code_example', sa.Text(), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_block_types_workspaces'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_block_types')),
    sa.UniqueConstraint('workspace_id', 'slug', name=op.f('uq_block_types_workspace_id_slug'))
    )
    op.create_table('block_schemas',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('block_type_id', sa.UUID(), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('checksum', sa.Text(), nullable=False),
    sa.Column('version_label', sa.Text(), nullable=True),
    sa.Column('capabilities', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('fields', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('secret_paths', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'block_type_id'], ['block_types.workspace_id', 'block_types.id'], name=op.f('fk_block_schemas_block_types'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_block_schemas')),
    sa.UniqueConstraint('workspace_id', 'block_type_id', 'checksum', name=op.f('uq_block_schemas_workspace_id_block_type_id_checksum')),
    sa.UniqueConstraint('workspace_id', 'block_type_id', 'number', name=op.f('uq_block_schemas_workspace_id_block_type_id_number'))
    )
    op.create_table('block_documents',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('block_type_id', sa.UUID(), nullable=False),
    sa.Column('block_schema_id', sa.UUID(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('data', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'block_schema_id'], ['block_schemas.workspace_id', 'block_schemas.id'], name=op.f('fk_block_documents_block_schemas')),
    sa.ForeignKeyConstraint(['workspace_id', 'block_type_id'], ['block_types.workspace_id', 'block_types.id'], name=op.f('fk_block_documents_block_types')),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_block_documents_workspaces'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_block_documents')),
    sa.UniqueConstraint('workspace_id', 'block_type_id', 'name', name=op.f('uq_block_documents_workspace_id_block_type_id_name'))
    )
    op.create_index('ix_block_documents_name', 'block_documents', ['workspace_id', 'name', 'id'], unique=False)
    op.create_index('ix_block_documents_schema', 'block_documents', ['workspace_id', 'block_schema_id'], unique=False)
    op.create_table('block_references',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('block_document_id', sa.UUID(), nullable=False),
    sa.Column('referred_id', sa.UUID(), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'block_document_id'], ['block_documents.workspace_id', 'block_documents.id'], name=op.f('fk_block_references_block_documents'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['workspace_id', 'referred_id'], ['block_documents.workspace_id', 'block_documents.id'], name='fk_block_references_referred'),
    sa.PrimaryKeyConstraint('workspace_id', 'block_document_id', 'referred_id', name=op.f('pk_block_references'))
    )
    op.create_index('ix_block_references_referred', 'block_references', ['workspace_id', 'referred_id'], unique=False)
    op.create_foreign_key(op.f('fk_block_secrets_block_documents'), 'block_secrets', 'block_documents', ['workspace_id', 'block_document_id'], ['workspace_id', 'id'], ondelete='CASCADE')
    op.add_column('deployments', sa.Column('block_references', postgresql.ARRAY(sa.Text()), nullable=True))
    prefix = context.config.attributes["role_prefix"]
    app, system = f"{prefix}_app", f"{prefix}_system"
    for table in TABLES:
        _wall(table, app=app, system=system)


def downgrade() -> None:
    raise NotImplementedError("restore a backup: secrets would be left without their documents")


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
