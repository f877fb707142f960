"""Which failures were retried and refused, and what their deployment was then."""

import sqlalchemy as sa
from alembic import op

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("failures", sa.Column("refused_version_id", sa.UUID(), nullable=True))


def downgrade() -> None:
    op.drop_column("failures", "refused_version_id")
