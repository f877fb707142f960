"""Runs keep the key that they wait under where their deployment coalesces runs."""

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None

KEEP_KEYS = """
update flow_runs set collision_key = item.collision_key from work_items item
where item.collision_key is not null and flow_runs.workspace_id = item.workspace_id
  and flow_runs.id = item.run_id
"""


def upgrade() -> None:
    op.add_column("flow_runs", sa.Column("collision_key", sa.Text(), nullable=True))
    op.execute(KEEP_KEYS)


def downgrade() -> None:
    op.drop_column("flow_runs", "collision_key")
