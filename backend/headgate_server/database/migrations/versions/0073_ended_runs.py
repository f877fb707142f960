"""Runs that have ended are found by when they did, past all that wait and all that ended before."""

import sqlalchemy as sa
from alembic import op

revision = "0073"
down_revision = "0072"
branch_labels = None
depends_on = None

NAME = "ix_flow_runs_ended"
TABLE = "flow_runs"


def upgrade() -> None:
    where = sa.text("ended_at is not null")
    op.create_index(NAME, TABLE, ["workspace_id", "ended_at"], postgresql_where=where)


def downgrade() -> None:
    op.drop_index(NAME, table_name=TABLE)
