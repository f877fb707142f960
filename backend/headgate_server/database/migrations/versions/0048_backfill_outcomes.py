"""How the runs of backfills' items ended, and backfills that are done for with failed items."""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

STATUSES = "status in ('RUNNING', 'PAUSED', 'COMPLETED', 'CANCELLED')"
MORE_STATUSES = "status in ('RUNNING', 'PAUSED', 'COMPLETED', 'FAILED', 'CANCELLED')"


def upgrade() -> None:
    op.drop_constraint(op.f("ck_backfills_status"), "backfills", type_="check")
    op.create_check_constraint(op.f("ck_backfills_status"), "backfills", MORE_STATUSES)
    op.add_column("backfill_items", sa.Column("outcome", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_backfill_items_outcome"),
        "backfill_items",
        "outcome in ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')",
    )
    op.execute(
        "update backfill_items item set outcome = run.state_type from flow_runs run "
        "where item.status = 'ENDED' and run.workspace_id = item.workspace_id "
        "and run.id = item.run_id and run.ended_at is not null"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_backfill_items_outcome"), "backfill_items", type_="check")
    op.drop_column("backfill_items", "outcome")
    op.execute("update backfills set status = 'COMPLETED' where status = 'FAILED'")
    op.drop_constraint(op.f("ck_backfills_status"), "backfills", type_="check")
    op.create_check_constraint(op.f("ck_backfills_status"), "backfills", STATUSES)
