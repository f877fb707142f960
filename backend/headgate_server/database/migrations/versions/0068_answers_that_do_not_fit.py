"""Why a run asks again what was answered: the answer did not fit."""

import sqlalchemy as sa
from alembic import op

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("pauses", sa.Column("refusal", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("pauses", "refusal")
