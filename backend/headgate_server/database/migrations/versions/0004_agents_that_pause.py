"""Why a session is paused, how often a run was declined, and ready work by queue."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

READY = sa.text("phase = 'READY' and not is_held")


def upgrade() -> None:
    op.add_column("agent_sessions", sa.Column("state_reason", sa.Text(), nullable=True))
    op.add_column("agent_sessions", sa.Column("known_pool_version", sa.BigInteger(), nullable=True))
    op.add_column(
        "work_items",
        sa.Column("declines", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.drop_index("ix_work_items_ready", table_name="work_items", postgresql_where=READY)
    op.create_index(
        "ix_work_items_ready",
        "work_items",
        ["work_queue_id", sa.literal_column("priority desc"), "due_at", "run_id"],
        unique=False,
        postgresql_where=READY,
    )


def downgrade() -> None:
    op.drop_index("ix_work_items_ready", table_name="work_items", postgresql_where=READY)
    op.create_index(
        "ix_work_items_ready",
        "work_items",
        ["work_pool_id", "queue_priority", sa.literal_column("priority desc"), "due_at", "run_id"],
        unique=False,
        postgresql_where=READY,
    )
    op.drop_column("work_items", "declines")
    op.drop_column("agent_sessions", "known_pool_version")
    op.drop_column("agent_sessions", "state_reason")
