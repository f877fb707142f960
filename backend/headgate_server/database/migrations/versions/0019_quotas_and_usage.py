"""Quotas of organizations, what they used, and which warnings they were given."""

import sqlalchemy as sa
from alembic import context, op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

GRANTS = (
    ("quotas", "select", "select, insert, update, delete"),
    ("quota_warnings", "select", "select, insert, delete"),
    ("usage_days", "select", "select, insert, update, delete"),
    ("usage_deltas", "select, insert", "select, insert, update, delete"),
)


def upgrade() -> None:
    op.create_table('quota_defaults',
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('most', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('kind', name=op.f('pk_quota_defaults'))
    )
    op.create_table('quotas',
    sa.Column('organization_id', sa.UUID(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('most', sa.BigInteger(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('most >= 0', name=op.f('ck_quotas_most')),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_quotas_organizations'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('organization_id', 'kind', name=op.f('pk_quotas'))
    )
    op.create_table('quota_warnings',
    sa.Column('organization_id', sa.UUID(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('period', sa.Date(), nullable=False),
    sa.Column('percent', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_quota_warnings_organizations'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('organization_id', 'kind', 'period', 'percent', name=op.f('pk_quota_warnings'))
    )
    op.create_table('usage_days',
    sa.Column('organization_id', sa.UUID(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('runs', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('run_bytes', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('api_points', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('log_bytes', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_usage_days_organizations'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('organization_id', 'day', name=op.f('pk_usage_days'))
    )
    op.create_table('usage_deltas',
    sa.Column('organization_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('runs', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('run_bytes', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('api_points', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('log_bytes', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'id', name=op.f('pk_usage_deltas')),
    postgresql_with={'autovacuum_vacuum_scale_factor': '0.02', 'autovacuum_vacuum_threshold': '1000', 'autovacuum_vacuum_cost_delay': '0'}
    )
    prefix = context.config.attributes["role_prefix"]
    app, system = f"{prefix}_app", f"{prefix}_system"
    for table, of_app, of_system in GRANTS:
        _wall(table, app=app, system=system)
        op.execute(f'grant {of_app} on {table} to "{app}"')
        op.execute(f'grant {of_system} on {table} to "{system}"')
    op.execute(f'grant select on quota_defaults to "{app}"')
    op.execute(f'grant select, insert, update, delete on quota_defaults to "{system}"')


def downgrade() -> None:
    for table in ("usage_deltas", "usage_days", "quota_warnings", "quotas", "quota_defaults"):
        op.drop_table(table)


def _wall(table: str, *, app: str, system: str) -> None:
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(
        f'create policy tenant on {table} to "{app}" '
        "using (organization_id = (select current_setting('app.organization_id')::uuid)) "
        "with check (organization_id = (select current_setting('app.organization_id')::uuid))"
    )
    op.execute(f'create policy system on {table} to "{system}" using (true) with check (true)')
