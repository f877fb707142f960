"""By what another key under the same version is told from the one that wrapped before."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('kek_checks',
    sa.Column('kek_provider', sa.Text(), nullable=False),
    sa.Column('kek_id', sa.Text(), nullable=False),
    sa.Column('kek_version', sa.Text(), nullable=False),
    sa.Column('wrapped', postgresql.BYTEA(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('kek_provider', 'kek_id', 'kek_version', name=op.f('pk_kek_checks'))
    )
    prefix = context.config.attributes["role_prefix"]
    op.execute(f'grant select, insert on kek_checks to "{prefix}_app"')
    op.execute(f'grant select, insert on kek_checks to "{prefix}_system"')


def downgrade() -> None:
    op.drop_table('kek_checks')
