"""Addresses that somebody has proven, invitations that were mailed, and identities with an id.

Whom a provider made with an address was told it as verified; nothing is known of anybody else.
"""

import sqlalchemy as sa
from alembic import context, op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

PROVEN = """
update users set email_verified_at = identities.created_at from identities
where identities.user_id = users.id and identities.created_at = users.created_at
  and users.email is not null
"""


def upgrade() -> None:
    app = f"{context.config.attributes['role_prefix']}_app"
    op.add_column("users", sa.Column("email_verified_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(PROVEN)
    op.execute(f'grant select (email_verified_at) on users to "{app}"')
    op.add_column("invitations", sa.Column("is_mailed", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("invitations", sa.Column("is_for_anybody", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("identities", sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False))
    op.create_index("ux_identities_id", "identities", ["id"], unique=True)


def downgrade() -> None:
    op.drop_index("ux_identities_id", "identities")
    op.drop_column("identities", "id")
    op.drop_column("invitations", "is_for_anybody")
    op.drop_column("invitations", "is_mailed")
    op.drop_column("users", "email_verified_at")
