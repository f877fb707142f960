"""Members, teams, roles and their bindings; who held a key until now becomes an owner."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLES = ("invitations", "memberships", "role_bindings", "roles", "team_members", "teams")

COLLEAGUES = """
create policy colleague on users for select to "{app}"
using (id in (select user_id from memberships))
"""

KEEP_MEMBERS = """
insert into memberships (organization_id, id, user_id, invited_by_kind, invited_by_name)
select distinct on (organization_id, owner_id)
  organization_id, gen_random_uuid(), owner_id, 'system', 'Headgate'
from api_keys join users on users.id = api_keys.owner_id where owner_kind = 'user'
"""

KEEP_RIGHTS = """
insert into role_bindings (organization_id, id, membership_id, service_account_id, builtin_role,
  granted_by_kind, granted_by_name)
select organization_id, gen_random_uuid(), id, null::uuid, 'Owner', 'system', 'Headgate'
from memberships
union all
select distinct on (organization_id, owner_id)
  organization_id, gen_random_uuid(), null, owner_id, 'Owner', 'system', 'Headgate'
from api_keys join service_accounts using (organization_id)
where owner_kind = 'service_account' and owner_id = service_accounts.id
"""


def upgrade() -> None:
    op.create_table('invitations',
    sa.Column('organization_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('email', sa.Text(), nullable=False),
    sa.Column('token_hash', postgresql.BYTEA(), nullable=False),
    sa.Column('grants', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False),
    sa.Column('invited_by_kind', sa.Text(), nullable=False),
    sa.Column('invited_by_id', sa.UUID(), nullable=True),
    sa.Column('invited_by_name', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('accepted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_invitations_organizations'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('organization_id', 'id', name=op.f('pk_invitations'))
    )
    op.create_index('ix_invitations_id', 'invitations', ['id'], unique=True)
    op.create_index('ux_invitations_open', 'invitations', ['organization_id', 'email'], unique=True, postgresql_where=sa.text('accepted_at is null and revoked_at is null'))
    op.create_table('memberships',
    sa.Column('organization_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('user_id', sa.UUID(), nullable=False),
    sa.Column('invited_by_kind', sa.Text(), nullable=False),
    sa.Column('invited_by_id', sa.UUID(), nullable=True),
    sa.Column('invited_by_name', sa.Text(), nullable=False),
    sa.Column('joined_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_memberships_organizations'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_memberships_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('organization_id', 'id', name=op.f('pk_memberships')),
    sa.UniqueConstraint('organization_id', 'user_id', name=op.f('uq_memberships_organization_id_user_id'))
    )
    op.create_index('ix_memberships_user', 'memberships', ['user_id'], unique=False)
    op.create_table('roles',
    sa.Column('organization_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('scopes', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_roles_organizations'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('organization_id', 'id', name=op.f('pk_roles')),
    sa.UniqueConstraint('organization_id', 'name', name=op.f('uq_roles_organization_id_name'))
    )
    op.create_table('teams',
    sa.Column('organization_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_teams_organizations'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('organization_id', 'id', name=op.f('pk_teams')),
    sa.UniqueConstraint('organization_id', 'name', name=op.f('uq_teams_organization_id_name'))
    )
    op.create_table('role_bindings',
    sa.Column('organization_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('membership_id', sa.UUID(), nullable=True),
    sa.Column('service_account_id', sa.UUID(), nullable=True),
    sa.Column('team_id', sa.UUID(), nullable=True),
    sa.Column('builtin_role', sa.Text(), nullable=True),
    sa.Column('role_id', sa.UUID(), nullable=True),
    sa.Column('workspace_id', sa.UUID(), nullable=True),
    sa.Column('object_kind', sa.Text(), nullable=True),
    sa.Column('object_id', sa.UUID(), nullable=True),
    sa.Column('granted_by_kind', sa.Text(), nullable=False),
    sa.Column('granted_by_id', sa.UUID(), nullable=True),
    sa.Column('granted_by_name', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("builtin_role in ('Owner', 'Admin', 'Developer', 'Operator', 'Viewer', 'Agent')", name=op.f('ck_role_bindings_builtin_role')),
    sa.CheckConstraint("object_kind in ('deployment', 'work_pool', 'block_document')", name=op.f('ck_role_bindings_object_kind')),
    sa.CheckConstraint('(object_id is null) = (object_kind is null)', name=op.f('ck_role_bindings_object_whole')),
    sa.CheckConstraint('num_nonnulls(builtin_role, role_id) = 1', name=op.f('ck_role_bindings_one_role')),
    sa.CheckConstraint('num_nonnulls(membership_id, service_account_id, team_id) = 1', name=op.f('ck_role_bindings_one_holder')),
    sa.CheckConstraint('object_id is null or workspace_id is not null', name=op.f('ck_role_bindings_object_place')),
    sa.ForeignKeyConstraint(['organization_id', 'membership_id'], ['memberships.organization_id', 'memberships.id'], name=op.f('fk_role_bindings_memberships'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id', 'role_id'], ['roles.organization_id', 'roles.id'], name=op.f('fk_role_bindings_roles')),
    sa.ForeignKeyConstraint(['organization_id', 'service_account_id'], ['service_accounts.organization_id', 'service_accounts.id'], name=op.f('fk_role_bindings_service_accounts'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id', 'team_id'], ['teams.organization_id', 'teams.id'], name=op.f('fk_role_bindings_teams'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id', 'workspace_id'], ['workspaces.organization_id', 'workspaces.id'], name=op.f('fk_role_bindings_workspaces'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_role_bindings_organizations'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('organization_id', 'id', name=op.f('pk_role_bindings')),
    sa.UniqueConstraint('organization_id', 'membership_id', 'service_account_id', 'team_id', 'builtin_role', 'role_id', 'workspace_id', 'object_id', name='uq_role_bindings_all', postgresql_nulls_not_distinct=True)
    )
    op.create_index('ix_role_bindings_membership', 'role_bindings', ['organization_id', 'membership_id'], unique=False)
    op.create_index('ix_role_bindings_role', 'role_bindings', ['organization_id', 'role_id'], unique=False)
    op.create_index('ix_role_bindings_service_account', 'role_bindings', ['organization_id', 'service_account_id'], unique=False)
    op.create_index('ix_role_bindings_team', 'role_bindings', ['organization_id', 'team_id'], unique=False)
    op.create_index('ix_role_bindings_workspace', 'role_bindings', ['organization_id', 'workspace_id'], unique=False)
    op.create_table('team_members',
    sa.Column('organization_id', sa.UUID(), nullable=False),
    sa.Column('team_id', sa.UUID(), nullable=False),
    sa.Column('membership_id', sa.UUID(), nullable=False),
    sa.ForeignKeyConstraint(['organization_id', 'membership_id'], ['memberships.organization_id', 'memberships.id'], name=op.f('fk_team_members_memberships'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id', 'team_id'], ['teams.organization_id', 'teams.id'], name=op.f('fk_team_members_teams'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('organization_id', 'team_id', 'membership_id', name=op.f('pk_team_members'))
    )
    op.create_index('ix_team_members_membership', 'team_members', ['organization_id', 'membership_id'], unique=False)
    op.add_column("api_keys", sa.Column("old_secret_hash", postgresql.BYTEA(), nullable=True))
    op.add_column(
        "api_keys", sa.Column("old_secret_until", sa.DateTime(timezone=True), nullable=True)
    )
    # The owner is bound by the walls, too, unless it is a superuser.
    for table in ("api_keys", "users", "service_accounts"):
        op.execute(f"alter table {table} no force row level security")
    op.execute(KEEP_MEMBERS)
    op.execute(KEEP_RIGHTS)
    for table in ("api_keys", "users", "service_accounts"):
        op.execute(f"alter table {table} force row level security")
    prefix = context.config.attributes["role_prefix"]
    app, system = f"{prefix}_app", f"{prefix}_system"
    for table in TABLES:
        _wall(table, app=app, system=system)
    op.execute(COLLEAGUES.format(app=app))


def downgrade() -> None:
    raise NotImplementedError("restore a backup: rights are not taken down")


def _wall(table: str, *, app: str, system: str) -> None:
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(
        f'create policy tenant on {table} to "{app}" '
        "using (organization_id = (select current_setting('app.organization_id')::uuid)) "
        "with check (organization_id = (select current_setting('app.organization_id')::uuid))"
    )
    op.execute(f'create policy system on {table} to "{system}" using (true) with check (true)')
    op.execute(f'grant select, insert, update, delete on {table} to "{app}", "{system}"')
