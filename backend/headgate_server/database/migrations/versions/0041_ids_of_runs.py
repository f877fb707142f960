"""Ids of runs are one tenant's only, whoever made them."""

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_flow_runs_id", "flow_runs", ["id"], unique=True)


def downgrade() -> None:
    op.drop_index("ix_flow_runs_id", table_name="flow_runs")
