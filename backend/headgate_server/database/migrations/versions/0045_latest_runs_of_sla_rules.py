"""The latest run that counted for an SLA rule, which may lie behind many that do not count."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sla_rules", sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sla_rules", sa.Column("counted_run_id", sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.drop_column("sla_rules", "counted_run_id")
    op.drop_column("sla_rules", "counted_at")
