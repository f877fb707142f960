"""Live work says whether its deployment is paused or limited, whatever is done with it meanwhile."""

from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None

MARK = """
update work_items set
  is_held = deployment.is_paused, is_limited = deployment.concurrency_limit is not null
from deployments deployment
where deployment.workspace_id = work_items.workspace_id
  and deployment.id = work_items.deployment_id
  and (
    work_items.is_held <> deployment.is_paused
    or work_items.is_limited <> (deployment.concurrency_limit is not null)
  )
"""


def upgrade() -> None:
    op.execute(MARK)


def downgrade() -> None:
    """What a row says is right for the version before, too."""
