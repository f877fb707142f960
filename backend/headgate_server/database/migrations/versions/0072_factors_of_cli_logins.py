"""Logins of command lines keep whether the session that allowed them had a second factor."""

import sqlalchemy as sa
from alembic import op

revision = "0072"
down_revision = "0071"
branch_labels = None
depends_on = None

TABLE, NAME = "cli_logins", "has_second_factor"


def upgrade() -> None:
    column = sa.Column(NAME, sa.Boolean(), server_default=sa.text("false"), nullable=False)
    op.add_column(TABLE, column)


def downgrade() -> None:
    op.drop_column(TABLE, NAME)
