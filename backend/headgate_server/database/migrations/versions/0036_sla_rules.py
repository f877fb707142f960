"""SLA rules, and when they were broken."""

import sqlalchemy as sa
from alembic import context, op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

TABLES = ("sla_rules", "sla_violations")


def upgrade() -> None:
    op.create_table('sla_rules',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('within_ms', sa.BigInteger(), nullable=False),
    sa.Column('deployment_id', sa.UUID(), nullable=True),
    sa.Column('flow_id', sa.UUID(), nullable=True),
    sa.Column('is_enabled', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('judged_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_by_kind', sa.Text(), nullable=False),
    sa.Column('created_by_id', sa.UUID(), nullable=True),
    sa.Column('created_by_name', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("kind in ('LATENESS', 'DURATION', 'FREQUENCY', 'FRESHNESS')", name=op.f('ck_sla_rules_kind')),
    sa.CheckConstraint('within_ms >= 1000', name=op.f('ck_sla_rules_within')),
    sa.CheckConstraint('(deployment_id is null) <> (flow_id is null)', name=op.f('ck_sla_rules_owner')),
    sa.CheckConstraint('is_enabled = (due_at is not null)', name=op.f('ck_sla_rules_due')),
    sa.ForeignKeyConstraint(['workspace_id', 'deployment_id'], ['deployments.workspace_id', 'deployments.id'], name=op.f('fk_sla_rules_deployments'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['workspace_id', 'flow_id'], ['flows.workspace_id', 'flows.id'], name=op.f('fk_sla_rules_flows'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_sla_rules')),
    sa.UniqueConstraint('workspace_id', 'name', name=op.f('uq_sla_rules_workspace_id_name')),
    postgresql_with={'fillfactor': '70'}
    )
    op.create_index('ix_sla_rules_due', 'sla_rules', ['due_at'], unique=False, postgresql_where=sa.text('due_at is not null'))
    op.create_index('ix_sla_rules_deployment', 'sla_rules', ['workspace_id', 'deployment_id', 'name'], unique=False)
    op.create_index('ix_sla_rules_flow', 'sla_rules', ['workspace_id', 'flow_id', 'name'], unique=False)
    op.create_table('sla_violations',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('rule_id', sa.UUID(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('flow_run_id', sa.UUID(), nullable=True),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('violated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('found_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['workspace_id', 'rule_id'], ['sla_rules.workspace_id', 'sla_rules.id'], name=op.f('fk_sla_violations_sla_rules'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_sla_violations')),
    sa.UniqueConstraint('workspace_id', 'rule_id', 'key', name=op.f('uq_sla_violations_workspace_id_rule_id_key'))
    )
    op.create_index('ix_sla_violations_latest', 'sla_violations', ['workspace_id', 'violated_at', 'id'], unique=False)
    op.create_index('ix_sla_violations_rule', 'sla_violations', ['workspace_id', 'rule_id', 'violated_at', 'id'], unique=False)
    op.create_index('ix_sla_violations_open', 'sla_violations', ['workspace_id', 'rule_id'], unique=False, postgresql_where=sa.text('ended_at is null'))
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
