"""States of providers' sign-ins, used once; and command lines that ask for a key of a person."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

PURPOSES = "purpose in ('RESET', 'INVITE', 'VERIFY', 'STATE')"


def upgrade() -> None:
    name = op.f("ck_one_time_tokens_purpose")
    op.drop_constraint(name, "one_time_tokens")
    op.create_check_constraint(name, "one_time_tokens", PURPOSES)
    op.create_table('cli_logins',
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('secret_hash', postgresql.BYTEA(), nullable=False),
    sa.Column('user_code_hash', postgresql.BYTEA(), nullable=True),
    sa.Column('challenge', sa.Text(), nullable=True),
    sa.Column('client', sa.Text(), nullable=False),
    sa.Column('ip', sa.Text(), nullable=True),
    sa.Column('scopes', postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('key_days', sa.BigInteger(), nullable=False),
    sa.Column('user_id', sa.UUID(), nullable=True),
    sa.Column('organization_id', sa.UUID(), nullable=True),
    sa.Column('interval_seconds', sa.BigInteger(), server_default=sa.text('5'), nullable=False),
    sa.Column('polled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('is_allowed', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("kind in ('BROWSER', 'DEVICE')", name=op.f('ck_cli_logins_kind')),
    sa.CheckConstraint("(kind = 'BROWSER') = (challenge is not null)", name=op.f('ck_cli_logins_challenge')),
    sa.CheckConstraint("(kind = 'DEVICE') = (user_code_hash is not null)", name=op.f('ck_cli_logins_user_code')),
    sa.CheckConstraint('not is_allowed or num_nonnulls(user_id, organization_id, decided_at) = 3', name=op.f('ck_cli_logins_allowed')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_cli_logins_users'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_cli_logins_organizations'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cli_logins'))
    )
    op.create_index('ux_cli_logins_secret', 'cli_logins', ['secret_hash'], unique=True)
    op.create_index('ux_cli_logins_user_code', 'cli_logins', ['user_code_hash'], unique=True)
    op.create_index('ix_cli_logins_expires', 'cli_logins', ['expires_at'], unique=False)
    prefix = context.config.attributes["role_prefix"]
    system = f"{prefix}_system"
    op.execute("alter table cli_logins enable row level security")
    op.execute("alter table cli_logins force row level security")
    op.execute(f'create policy system on cli_logins to "{system}" using (true) with check (true)')
    op.execute(f'grant select, insert, update, delete on cli_logins to "{system}"')


def downgrade() -> None:
    raise NotImplementedError("restore a backup: who may sign in is not forgotten")
