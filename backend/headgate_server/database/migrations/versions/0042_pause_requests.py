"""Pauses that people ask for: what a run's process is to do before its next task."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

CHECK = "ck_pauses_status"
BEFORE = "'WAITING', 'RESUMED', 'REJECTED', 'EXPIRED', 'ENDED'"


def upgrade() -> None:
    op.add_column('work_items', sa.Column('pause_key', sa.Text(), nullable=True))
    op.add_column('work_items', sa.Column('pause_kind', sa.Text(), nullable=True))
    _check(f"'REQUESTED', {BEFORE}")


def downgrade() -> None:
    op.execute("update pauses set status = 'ENDED' where status = 'REQUESTED'")
    _check(BEFORE)
    op.drop_column('work_items', 'pause_kind')
    op.drop_column('work_items', 'pause_key')


def _check(statuses: str) -> None:
    op.execute(f"alter table pauses drop constraint {CHECK}")
    op.execute(
        f"alter table pauses add constraint {CHECK} check (status in ({statuses})) not valid"
    )
    op.execute(f"alter table pauses validate constraint {CHECK}")
