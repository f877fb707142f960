"""Runs started again, objects counted, sizes sampled; what ended support leaves behind."""

import sqlalchemy as sa
from alembic import context, op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

GRANTS = (
    ("object_counts", "select", "select, insert, update, delete"),
    ("object_deltas", "select, insert", "select, insert, update, delete"),
    ("stored_sizes", "select", "select, insert, update, delete"),
)


def upgrade() -> None:
    for table in ("usage_days", "usage_deltas"):
        op.add_column(table, sa.Column('restarts', sa.BigInteger(), server_default=sa.text('0'), nullable=False))
    op.create_table('object_counts',
    sa.Column('organization_id', sa.UUID(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('counted_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_object_counts_organizations'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('organization_id', 'kind', name=op.f('pk_object_counts'))
    )
    op.create_table('object_deltas',
    sa.Column('organization_id', sa.UUID(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'kind', 'id', name=op.f('pk_object_deltas')),
    postgresql_with={'autovacuum_vacuum_scale_factor': '0.02', 'autovacuum_vacuum_threshold': '1000', 'autovacuum_vacuum_cost_delay': '0'}
    )
    op.create_table('stored_sizes',
    sa.Column('organization_id', sa.UUID(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('size_bytes', sa.BigInteger(), nullable=False),
    sa.Column('sampled_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_stored_sizes_organizations'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('organization_id', 'kind', name=op.f('pk_stored_sizes'))
    )
    op.add_column('support_grants', sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index('ix_support_grants_over', 'support_grants', ['expires_at'], unique=False, postgresql_where=sa.text('approved_at is not null and settled_at is null'))
    prefix = context.config.attributes["role_prefix"]
    app, system = f"{prefix}_app", f"{prefix}_system"
    for table, of_app, of_system in GRANTS:
        _wall(table, app=app, system=system)
        op.execute(f'grant {of_app} on {table} to "{app}"')
        op.execute(f'grant {of_system} on {table} to "{system}"')
    # Who creates runs merges what nobody has summed up yet; Postgres asks for update to lock rows.
    op.execute(f'grant update, delete on usage_deltas to "{app}"')


def downgrade() -> None:
    prefix = context.config.attributes["role_prefix"]
    op.execute(f'revoke update, delete on usage_deltas from "{prefix}_app"')
    op.drop_index('ix_support_grants_over', table_name='support_grants')
    op.drop_column('support_grants', 'settled_at')
    for table in ("stored_sizes", "object_deltas", "object_counts"):
        op.drop_table(table)
    for table in ("usage_deltas", "usage_days"):
        op.drop_column(table, "restarts")


def _wall(table: str, *, app: str, system: str) -> None:
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(
        f'create policy tenant on {table} to "{app}" '
        "using (organization_id = (select current_setting('app.organization_id')::uuid)) "
        "with check (organization_id = (select current_setting('app.organization_id')::uuid))"
    )
    op.execute(f'create policy system on {table} to "{system}" using (true) with check (true)')
