"""Passwords and second factors of people, their identities elsewhere, and login sessions.

The application's role reads of people what their colleagues may see, and writes nothing of them.
"""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLES = ("identities", "login_sessions", "one_time_tokens")
SHOWN = "id, display_name, email, avatar_url, created_at, is_operator, suspended_at"


def upgrade() -> None:
    op.create_table('identities',
    sa.Column('issuer', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('user_id', sa.UUID(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_identities_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('issuer', 'subject', name=op.f('pk_identities'))
    )
    op.create_index('ix_identities_user', 'identities', ['user_id'], unique=False)
    op.create_table('login_sessions',
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('user_id', sa.UUID(), nullable=False),
    sa.Column('secret_hash', postgresql.BYTEA(), nullable=False),
    sa.Column('organization_id', sa.UUID(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ip', sa.Text(), nullable=True),
    sa.Column('user_agent', sa.Text(), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_login_sessions_organizations'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_login_sessions_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_login_sessions'))
    )
    op.create_index('ix_login_sessions_expires', 'login_sessions', ['expires_at'], unique=False)
    op.create_index('ix_login_sessions_user', 'login_sessions', ['user_id'], unique=False)
    op.create_table('one_time_tokens',
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('purpose', sa.Text(), nullable=False),
    sa.Column('token_hash', postgresql.BYTEA(), nullable=False),
    sa.Column('user_id', sa.UUID(), nullable=True),
    sa.Column('email', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("purpose in ('RESET', 'INVITE', 'VERIFY')", name=op.f('ck_one_time_tokens_purpose')),
    sa.CheckConstraint('num_nonnulls(user_id, email) >= 1', name=op.f('ck_one_time_tokens_whose')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_one_time_tokens_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_one_time_tokens'))
    )
    op.create_index('ix_one_time_tokens_expires', 'one_time_tokens', ['expires_at'], unique=False)
    op.create_index('ix_one_time_tokens_user', 'one_time_tokens', ['user_id'], unique=False)
    op.create_index('ux_one_time_tokens_hash', 'one_time_tokens', ['token_hash'], unique=True)
    for column in (
        sa.Column('password_hash', sa.Text(), nullable=True),
        sa.Column('password_changed_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('totp_secret', postgresql.BYTEA(), nullable=True),
        sa.Column('totp_confirmed_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('totp_last_step', sa.BigInteger(), nullable=True),
        sa.Column('recovery_hashes', postgresql.ARRAY(postgresql.BYTEA()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column('is_operator', sa.Boolean(), server_default=sa.text('false'), nullable=False),
        sa.Column('suspended_at', sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column('users', column)
    prefix = context.config.attributes["role_prefix"]
    app, system = f"{prefix}_app", f"{prefix}_system"
    for table in TABLES:
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(f'create policy system on {table} to "{system}" using (true) with check (true)')
        op.execute(f'grant select, insert, update, delete on {table} to "{system}"')
    op.execute(f'revoke select, insert, update, delete on users from "{app}"')
    op.execute(f'grant select ({SHOWN}) on users to "{app}"')


def downgrade() -> None:
    raise NotImplementedError("restore a backup: who may sign in is not forgotten")
