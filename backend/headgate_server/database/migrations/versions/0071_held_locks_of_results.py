"""Locks of cached results that are held are found by their end, past all kept results."""

import sqlalchemy as sa
from alembic import op

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None

NAME = "ix_cache_records_locked"
TABLE = "cache_records"


def upgrade() -> None:
    where = sa.text("locked_until is not null")
    op.create_index(NAME, TABLE, ["locked_until"], unique=False, postgresql_where=where)


def downgrade() -> None:
    op.drop_index(NAME, table_name=TABLE)
