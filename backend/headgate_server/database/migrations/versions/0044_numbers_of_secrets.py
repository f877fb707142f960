"""Which secret of its key a session was opened with, so that it ends as that one does."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

TABLES = ("api_keys", "agent_sessions")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(
            table, sa.Column("secret_number", sa.BigInteger(), server_default="1", nullable=False)
        )


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "secret_number")
