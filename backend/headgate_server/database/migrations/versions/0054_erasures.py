"""People who had their account deleted, until their name is gone from what they made.

What an operator was granted stays in the organization's list when the operator's account goes.
"""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0054"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('erasures',
    sa.Column('user_id', sa.UUID(), nullable=False),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('table_name', sa.Text(), nullable=True),
    sa.Column('after_key', postgresql.ARRAY(sa.Text()), nullable=True),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_erasures'))
    )
    op.drop_constraint('fk_support_grants_users', 'support_grants', type_='foreignkey')
    system = f'{context.config.attributes["role_prefix"]}_system'
    op.execute("alter table erasures enable row level security")
    op.execute("alter table erasures force row level security")
    op.execute(f'create policy system on erasures to "{system}" using (true) with check (true)')
    op.execute(f'grant select, insert, update, delete on erasures to "{system}"')


def downgrade() -> None:
    op.execute("delete from support_grants where operator_id not in (select id from users)")
    op.create_foreign_key('fk_support_grants_users', 'support_grants', 'users', ['operator_id'], ['id'], ondelete='CASCADE')
    op.drop_table("erasures")
