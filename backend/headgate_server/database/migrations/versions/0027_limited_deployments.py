"""Deployments that run so many at once, and what follows when one more is made."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

READY = "phase = 'READY' and not is_held"


def upgrade() -> None:
    op.add_column("deployments", sa.Column("concurrency_limit", sa.BigInteger(), nullable=True))
    op.add_column("deployments", sa.Column("on_collision", sa.Text(), server_default=sa.text("'ENQUEUE'"), nullable=False))
    op.add_column("deployments", sa.Column("collision_parameter", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_deployments_concurrency_limit"), "deployments", "concurrency_limit >= 0")
    op.create_check_constraint(op.f("ck_deployments_on_collision"), "deployments", "on_collision in ('ENQUEUE', 'CANCEL_NEW', 'CANCEL_OLD', 'COALESCE')")
    op.add_column("work_items", sa.Column("is_limited", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("work_items", sa.Column("collision_key", sa.Text(), nullable=True))
    op.add_column("work_items", sa.Column("collides_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_index("ix_work_items_ready", table_name="work_items")
    op.create_index("ix_work_items_ready", "work_items", ["work_queue_id", sa.text("priority desc"), "due_at", "run_id"], postgresql_where=sa.text(f"{READY} and not is_limited"))
    op.create_index("ix_work_items_limited", "work_items", ["work_queue_id", "deployment_id", sa.text("priority desc"), "due_at", "run_id"], postgresql_where=sa.text(f"{READY} and is_limited"))
    op.create_index("ix_work_items_waiting", "work_items", ["deployment_id", "due_at", "run_id"], postgresql_where=sa.text("phase = 'READY' and is_limited"))
    op.create_index("ix_work_items_slots", "work_items", ["deployment_id"], postgresql_where=sa.text("phase <> 'READY' and is_limited"))
    op.create_index("ix_work_items_collision", "work_items", ["collides_at"], postgresql_where=sa.text("phase = 'READY' and collides_at is not null"))


def downgrade() -> None:
    for name in ("collision", "slots", "waiting", "limited", "ready"):
        op.drop_index(f"ix_work_items_{name}", table_name="work_items")
    op.create_index("ix_work_items_ready", "work_items", ["work_queue_id", sa.text("priority desc"), "due_at", "run_id"], postgresql_where=sa.text(READY))
    for name in ("collides_at", "collision_key", "is_limited"):
        op.drop_column("work_items", name)
    op.drop_constraint("ck_deployments_on_collision", "deployments")
    op.drop_constraint("ck_deployments_concurrency_limit", "deployments")
    for name in ("collision_parameter", "on_collision", "concurrency_limit"):
        op.drop_column("deployments", name)
