"""An index of the runs whose cancel nobody has confirmed yet: few, and looked at by a loop."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_work_items_cancelling", "work_items", ["cancel_requested_at"], unique=False, postgresql_where=sa.text("cancel_requested_at is not null"))


def downgrade() -> None:
    op.drop_index("ix_work_items_cancelling", table_name="work_items")
