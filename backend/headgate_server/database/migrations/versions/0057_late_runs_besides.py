"""What a rule of lateness looks at besides: what waits as it allows less, what was made too late."""

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None

MADE_LATE = "expected_start < created_at and deployment_id is not null"


def upgrade() -> None:
    op.add_column("sla_rules", sa.Column("waiting_from", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_flow_runs_made_late",
        "flow_runs",
        ["workspace_id", "created_at"],
        postgresql_where=sa.text(MADE_LATE),
    )


def downgrade() -> None:
    op.drop_index("ix_flow_runs_made_late", table_name="flow_runs")
    op.drop_column("sla_rules", "waiting_from")
