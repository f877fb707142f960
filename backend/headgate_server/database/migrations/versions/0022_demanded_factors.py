"""Organizations that demand a second factor, and sessions that were begun with one."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("organizations", sa.Column("requires_second_factor", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("login_sessions", sa.Column("has_second_factor", sa.Boolean(), server_default=sa.text("false"), nullable=False))


def downgrade() -> None:
    op.drop_column("login_sessions", "has_second_factor")
    op.drop_column("organizations", "requires_second_factor")
