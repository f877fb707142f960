"""Workspaces that are archived or deleted, organizations that are suspended or deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('organizations', sa.Column('suspended_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('organizations', sa.Column('suspended_because', sa.Text(), nullable=True))
    op.add_column('organizations', sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('schedules', sa.Column('held_fire_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('workspaces', sa.Column('archived_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('workspaces', sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('workspaces', sa.Column('is_stopped', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.create_index('ix_workspaces_closed', 'workspaces', ['organization_id'], unique=False, postgresql_where=sa.text('archived_at is not null or deleted_at is not null'))
    op.create_index('ix_workspaces_deleted', 'workspaces', ['id'], unique=False, postgresql_where=sa.text('deleted_at is not null'))


def downgrade() -> None:
    raise NotImplementedError("restore a backup: what is archived would be open again")
