"""Every slug that an organization has or had."""

import sqlalchemy as sa
from alembic import context, op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('organization_slugs',
    sa.Column('organization_id', sa.UUID(), nullable=False),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_organization_slugs_organizations'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('organization_id', 'slug', name=op.f('pk_organization_slugs')),
    sa.UniqueConstraint('slug', name=op.f('uq_organization_slugs_slug'))
    )
    op.execute(
        "insert into organization_slugs (organization_id, slug) "
        "select id, slug from organizations where deleted_at is null"
    )
    prefix = context.config.attributes["role_prefix"]
    app, system = f"{prefix}_app", f"{prefix}_system"
    own = "organization_id = (select current_setting('app.organization_id')::uuid)"
    op.execute("alter table organization_slugs enable row level security")
    op.execute("alter table organization_slugs force row level security")
    op.execute(f'create policy tenant on organization_slugs to "{app}" using ({own}) with check ({own})')
    op.execute(f'create policy system on organization_slugs to "{system}" using (true) with check (true)')
    op.execute(f'grant select, insert on organization_slugs to "{app}"')
    op.execute(f'grant select, insert, delete on organization_slugs to "{system}"')


def downgrade() -> None:
    op.drop_table("organization_slugs")
