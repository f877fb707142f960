"""The states that a background task was in, packed into its row."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None

KEPT = 100
WITH_STATE = f"""
create function with_state(
  states jsonb, type text, name text, entered_at timestamptz, message text, epoch bigint
) returns jsonb language sql immutable as $$
  select case when jsonb_array_length(states) >= {KEPT} then states - 0 else states end
    || jsonb_build_array(jsonb_build_array(
      type, name, (extract(epoch from entered_at) * 1000000)::bigint, message, epoch
    ))
$$
"""


def upgrade() -> None:
    op.execute(WITH_STATE)
    empty = sa.text("'[]'::jsonb")
    column = sa.Column("states", postgresql.JSONB(), server_default=empty, nullable=False)
    op.add_column("background_tasks", column)


def downgrade() -> None:
    op.drop_column("background_tasks", "states")
    op.execute("drop function with_state")
