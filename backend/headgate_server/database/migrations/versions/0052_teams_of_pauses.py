"""Pauses that wait know the teams that may answer by their ids, whatever they will be called."""

from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

TABLES = ("pauses", "teams", "workspaces")
FIX = """
update pauses set approvers = approvers || jsonb_build_object('team_ids', coalesce((
  select jsonb_object_agg(teams.name, teams.id)
  from workspaces
  join teams on teams.organization_id = workspaces.organization_id
  where workspaces.id = pauses.workspace_id and pauses.approvers -> 'teams' ? teams.name
), '{}'))
where status = 'WAITING' and jsonb_array_length(approvers -> 'teams') > 0
"""


def upgrade() -> None:
    # The owner is bound by the walls, too, unless it is a superuser.
    for table in TABLES:
        op.execute(f"alter table {table} no force row level security")
    op.execute(FIX)
    for table in TABLES:
        op.execute(f"alter table {table} force row level security")


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"alter table {table} no force row level security")
    op.execute("update pauses set approvers = approvers - 'team_ids'")
    for table in TABLES:
        op.execute(f"alter table {table} force row level security")
