"""A version that is no longer current keeps what its runs might read and start."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None

NAMED = sa.Column("named", postgresql.JSONB(astext_type=sa.Text()), nullable=True)


def upgrade() -> None:
    op.add_column("deployment_versions", NAMED)


def downgrade() -> None:
    op.drop_column("deployment_versions", "named")
