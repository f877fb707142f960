"""Which version was current before a version, so that a rollback goes back to that one."""

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "deployment_versions", sa.Column("replaced_number", sa.BigInteger(), nullable=True)
    )


def downgrade() -> None:
    op.drop_column("deployment_versions", "replaced_number")
