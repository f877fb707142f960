"""Roles that nobody could take away, on what was deleted; and which owners can act."""

from alembic import context, op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None

TABLES = {"deployment": "deployments", "work_pool": "work_pools"}


def upgrade() -> None:
    for kind, table in TABLES.items():
        op.execute(
            f"delete from role_bindings binding where binding.object_kind = '{kind}' "
            f"and not exists (select from {table} found "
            "where found.workspace_id = binding.workspace_id and found.id = binding.object_id)"
        )
    op.execute(f'grant select (suspended_at) on users to "{_app()}"')


def downgrade() -> None:
    op.execute(f'revoke select (suspended_at) on users from "{_app()}"')


def _app() -> str:
    return f"{context.config.attributes['role_prefix']}_app"
