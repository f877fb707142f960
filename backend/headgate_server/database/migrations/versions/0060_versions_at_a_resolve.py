"""Which versions were current as a failure group was resolved: what they replaced has no fix."""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "failure_groups", sa.Column("resolved_versions", sa.ARRAY(sa.Uuid()), nullable=True)
    )


def downgrade() -> None:
    op.drop_column("failure_groups", "resolved_versions")
