"""Entries of the audit log are found by what was done and in which workspace, past all others."""

from alembic import op

revision = "0074"
down_revision = "0073"
branch_labels = None
depends_on = None

TABLE = "audit_entries"
BY_ACTION, BY_WORKSPACE = "ix_audit_entries_action", "ix_audit_entries_workspace"


def upgrade() -> None:
    op.create_index(BY_ACTION, TABLE, ["organization_id", "action", "at", "id"])
    op.create_index(BY_WORKSPACE, TABLE, ["organization_id", "workspace_id", "at", "id"])


def downgrade() -> None:
    op.drop_index(BY_WORKSPACE, table_name=TABLE)
    op.drop_index(BY_ACTION, table_name=TABLE)
