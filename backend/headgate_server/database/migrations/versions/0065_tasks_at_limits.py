"""Which background task holds slots of a concurrency limit, or waits for some."""

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None

TABLES = ("concurrency_slots", "concurrency_waiters")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("task_id", sa.UUID(), nullable=True))
        op.create_index(
            f"ix_{table}_task",
            table,
            ["workspace_id", "task_id"],
            unique=False,
            postgresql_where=sa.text("task_id is not null"),
        )


def downgrade() -> None:
    for table in TABLES:
        op.drop_index(f"ix_{table}_task", table_name=table)
        op.drop_column(table, "task_id")
