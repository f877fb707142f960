"""Backfills that were stopped are looked at until none of their runs goes on."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

DUE = "status <> 'RUNNING' or due_at is not null"
RUNNING_IS_DUE = "(status = 'RUNNING') = (due_at is not null)"

# Schedulers of the version before, which an upgrade leaves for a while, look at such a backfill
# over and over.
LOOK_AT_STOPPED = """
update backfills set due_at = now() + interval '10 minutes'
where status in ('PAUSED', 'CANCELLED') and exists (
  select from backfill_items item
  where item.workspace_id = backfills.workspace_id and item.backfill_id = backfills.id
    and item.status = 'STARTED'
)
"""


def upgrade() -> None:
    op.add_column("backfills", sa.Column("runs_cancelled_by_kind", sa.Text(), nullable=True))
    op.add_column("backfills", sa.Column("runs_cancelled_by_id", UUID(), nullable=True))
    op.add_column("backfills", sa.Column("runs_cancelled_by_name", sa.Text(), nullable=True))
    op.drop_constraint(op.f("ck_backfills_due"), "backfills", type_="check")
    op.create_check_constraint(op.f("ck_backfills_due"), "backfills", DUE)
    op.execute(LOOK_AT_STOPPED)


def downgrade() -> None:
    op.execute("update backfills set due_at = null where status <> 'RUNNING'")
    op.drop_constraint(op.f("ck_backfills_due"), "backfills", type_="check")
    op.create_check_constraint(op.f("ck_backfills_due"), "backfills", RUNNING_IS_DUE)
    op.drop_column("backfills", "runs_cancelled_by_name")
    op.drop_column("backfills", "runs_cancelled_by_id")
    op.drop_column("backfills", "runs_cancelled_by_kind")
