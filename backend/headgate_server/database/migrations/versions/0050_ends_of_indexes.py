"""What sessions hold is read from an end of an index, past no entries that are dead."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

TABLE = "work_items"
HELD = "phase <> 'READY'"
ASKED = "phase <> 'READY' and (cancel_requested_at is not null or pause_key is not null)"


def upgrade() -> None:
    _replace("ix_work_items_session", ["session_id", "offered_at"])
    _replace("ix_work_items_pool", ["work_pool_id", "offered_at"])
    op.create_index(
        "ix_work_items_offers",
        TABLE,
        ["session_id", "fence_until"],
        postgresql_where=sa.text("phase = 'OFFERED'"),
    )
    op.create_index("ix_work_items_requests", TABLE, ["session_id"], postgresql_where=sa.text(ASKED))


def downgrade() -> None:
    op.drop_index("ix_work_items_requests", table_name=TABLE)
    op.drop_index("ix_work_items_offers", table_name=TABLE)
    _replace("ix_work_items_pool", ["work_pool_id"])
    _replace("ix_work_items_session", ["session_id"])


def _replace(name: str, columns: list[str]) -> None:
    op.drop_index(name, table_name=TABLE)
    op.create_index(name, TABLE, columns, postgresql_where=sa.text(HELD))
