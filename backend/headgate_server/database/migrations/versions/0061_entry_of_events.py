"""When an event entered the outbox, which is not when what it tells of happened."""

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    entered = sa.Column(
        "entered_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")
    )
    op.add_column("outbox", entered)


def downgrade() -> None:
    op.drop_column("outbox", "entered_at")
