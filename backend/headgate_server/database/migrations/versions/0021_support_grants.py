"""Support access of operators to organizations, and which changes were made with it."""

import sqlalchemy as sa
from alembic import context, op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('organizations', sa.Column('support_access', sa.Text(), server_default=sa.text("'ON_REQUEST'"), nullable=False))
    op.add_column('audit_entries', sa.Column('support_grant_id', sa.UUID(), nullable=True))
    op.create_table('support_grants',
    sa.Column('organization_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('operator_id', sa.UUID(), nullable=False),
    sa.Column('operator_name', sa.Text(), nullable=False),
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('duration_seconds', sa.BigInteger(), nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('approved_by_kind', sa.Text(), nullable=True),
    sa.Column('approved_by_id', sa.UUID(), nullable=True),
    sa.Column('approved_by_name', sa.Text(), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("role in ('VIEWER', 'OPERATOR', 'DEVELOPER')", name=op.f('ck_support_grants_role')),
    sa.CheckConstraint('(approved_at is null) = (expires_at is null)', name=op.f('ck_support_grants_approved')),
    sa.ForeignKeyConstraint(['operator_id'], ['users.id'], name=op.f('fk_support_grants_users'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_support_grants_organizations'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('organization_id', 'id', name=op.f('pk_support_grants'))
    )
    op.create_index('ix_support_grants_operator', 'support_grants', ['operator_id', 'organization_id'], unique=False)
    prefix = context.config.attributes["role_prefix"]
    app, system = f"{prefix}_app", f"{prefix}_system"
    own = "organization_id = (select current_setting('app.organization_id')::uuid)"
    op.execute("alter table support_grants enable row level security")
    op.execute("alter table support_grants force row level security")
    op.execute(f'create policy tenant on support_grants to "{app}" using ({own}) with check ({own})')
    op.execute(f'create policy system on support_grants to "{system}" using (true) with check (true)')
    op.execute(f'grant select, update on support_grants to "{app}"')
    op.execute(f'grant select, insert, update, delete on support_grants to "{system}"')


def downgrade() -> None:
    raise NotImplementedError("restore a backup: who looked into an organization is not forgotten")
