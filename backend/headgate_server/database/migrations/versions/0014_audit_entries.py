"""The audit log: entries that nobody changes, their chain and its checkpoints."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


KEPT = ("audit_entries", "audit_seals", "audit_checkpoints")

GRANTS = (
    ("audit_entries", "select, insert", "select, insert"),
    ("audit_queue", "insert", "select, insert, update, delete"),
    ("audit_seals", "select", "select, insert"),
    ("audit_heads", "", "select, insert, update"),
    ("audit_checkpoints", "select", "select, insert"),
)

FIXED = """
create function refuse_audit_change() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log is only ever added to' using errcode = 'insufficient_privilege';
end $$
"""


def upgrade() -> None:
    op.create_table('audit_checkpoints',
    sa.Column('organization_id', sa.UUID(), nullable=False),
    sa.Column('sequence', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('hash', postgresql.BYTEA(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('public_key', postgresql.BYTEA(), nullable=False),
    sa.Column('signature', postgresql.BYTEA(), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'sequence', name=op.f('pk_audit_checkpoints'))
    )
    op.create_table('audit_entries',
    sa.Column('organization_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor_kind', sa.Text(), nullable=False),
    sa.Column('actor_id', sa.UUID(), nullable=True),
    sa.Column('actor_name', sa.Text(), nullable=False),
    sa.Column('api_key_id', sa.UUID(), nullable=True),
    sa.Column('login_session_id', sa.UUID(), nullable=True),
    sa.Column('address', sa.Text(), nullable=True),
    sa.Column('user_agent', sa.Text(), nullable=True),
    sa.Column('request_id', sa.Text(), nullable=False),
    sa.Column('action', sa.Text(), nullable=False),
    sa.Column('target_kind', sa.Text(), nullable=False),
    sa.Column('target_id', sa.UUID(), nullable=False),
    sa.Column('target_name', sa.Text(), nullable=False),
    sa.Column('workspace_id', sa.UUID(), nullable=True),
    sa.Column('diff', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.PrimaryKeyConstraint('organization_id', 'id', name=op.f('pk_audit_entries'))
    )
    op.create_index('ix_audit_entries_actor', 'audit_entries', ['organization_id', 'actor_id', 'at', 'id'], unique=False)
    op.create_index('ix_audit_entries_at', 'audit_entries', ['organization_id', 'at', 'id'], unique=False)
    op.create_index('ix_audit_entries_target', 'audit_entries', ['organization_id', 'target_id', 'at', 'id'], unique=False)
    op.create_table('audit_heads',
    sa.Column('organization_id', sa.UUID(), nullable=False),
    sa.Column('sequence', sa.BigInteger(), nullable=False),
    sa.Column('hash', postgresql.BYTEA(), nullable=False),
    sa.Column('checkpointed', sa.BigInteger(), nullable=False),
    sa.Column('checkpointed_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('organization_id', name=op.f('pk_audit_heads'))
    )
    op.create_table('audit_queue',
    sa.Column('organization_id', sa.UUID(), nullable=False),
    sa.Column('entry_id', sa.UUID(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'entry_id', name=op.f('pk_audit_queue')),
    postgresql_with={'autovacuum_vacuum_scale_factor': '0.02', 'autovacuum_vacuum_threshold': '1000', 'autovacuum_vacuum_cost_delay': '0'}
    )
    op.create_table('audit_seals',
    sa.Column('organization_id', sa.UUID(), nullable=False),
    sa.Column('sequence', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('entry_id', sa.UUID(), nullable=False),
    sa.Column('hash', postgresql.BYTEA(), nullable=False),
    sa.Column('sealed_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'sequence', name=op.f('pk_audit_seals')),
    sa.UniqueConstraint('organization_id', 'entry_id', name=op.f('uq_audit_seals_organization_id_entry_id'))
    )
    op.execute(FIXED)
    for table in KEPT:
        op.execute(
            f"create trigger kept before update or delete on {table} "
            "for each row execute function refuse_audit_change()"
        )
        op.execute(
            f"create trigger kept_whole before truncate on {table} "
            "for each statement execute function refuse_audit_change()"
        )
    prefix = context.config.attributes["role_prefix"]
    app, system = f"{prefix}_app", f"{prefix}_system"
    for table, of_app, of_system in GRANTS:
        _wall(table, app=app, system=system)
        if of_app:
            op.execute(f'grant {of_app} on {table} to "{app}"')
        op.execute(f'grant {of_system} on {table} to "{system}"')


def downgrade() -> None:
    raise NotImplementedError("restore a backup: an audit log is not taken down")


def _wall(table: str, *, app: str, system: str) -> None:
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(
        f'create policy tenant on {table} to "{app}" '
        "using (organization_id = (select current_setting('app.organization_id')::uuid)) "
        "with check (organization_id = (select current_setting('app.organization_id')::uuid))"
    )
    op.execute(f'create policy system on {table} to "{system}" using (true) with check (true)')
