"""Versions of deployments: each deployment has its first, and runs name the one they are of."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

KEEP_FIRST = """
with first as (
  insert into deployment_versions (
    workspace_id, id, deployment_id, number, content, created_by_kind, created_by_id,
    created_by_name, created_at
  )
  select
    workspace_id, gen_random_uuid(), id, 1,
    jsonb_build_object(
      'entrypoint', entrypoint, 'description', description, 'parameters', parameters,
      'parameter_schema', parameter_schema, 'is_schema_enforced', is_schema_enforced,
      'job_variables', job_variables, 'pull_steps', pull_steps, 'on_agent_lost', on_agent_lost,
      'infrastructure_retries', infrastructure_retries, 'work_pool_id', work_pool_id,
      'work_queue_id', work_queue_id, 'abandon_after_ms', abandon_after_ms, 'fence_ms', fence_ms,
      'late_threshold_ms', late_threshold_ms,
      'tags', coalesce((
        select jsonb_agg(tag order by tag) from deployment_tags
        where deployment_tags.workspace_id = deployments.workspace_id
          and deployment_tags.deployment_id = deployments.id
      ), '[]')
    ),
    created_by_kind, created_by_id, created_by_name, updated_at
  from deployments
  returning workspace_id, id, deployment_id
)
update deployments set current_version_id = first.id
from first
where deployments.workspace_id = first.workspace_id and deployments.id = first.deployment_id
"""


def upgrade() -> None:
    op.create_table('deployment_versions',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('deployment_id', sa.UUID(), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('label', sa.Text(), nullable=True),
    sa.Column('git', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('content', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_by_kind', sa.Text(), nullable=False),
    sa.Column('created_by_id', sa.UUID(), nullable=True),
    sa.Column('created_by_name', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'deployment_id'], ['deployments.workspace_id', 'deployments.id'], name=op.f('fk_deployment_versions_deployments'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_deployment_versions')),
    sa.UniqueConstraint('workspace_id', 'deployment_id', 'number', name=op.f('uq_deployment_versions_workspace_id_deployment_id_number'))
    )
    op.add_column('deployments', sa.Column('current_version_id', sa.UUID(), nullable=True))
    op.add_column('flow_runs', sa.Column('deployment_version_id', sa.UUID(), nullable=True))
    # The owner is bound by the walls, too, unless it is a superuser.
    for table in ("deployments", "deployment_tags"):
        op.execute(f"alter table {table} no force row level security")
    op.execute(KEEP_FIRST)
    for table in ("deployments", "deployment_tags"):
        op.execute(f"alter table {table} force row level security")
    prefix = context.config.attributes["role_prefix"]
    app, system = f"{prefix}_app", f"{prefix}_system"
    own = "workspace_id = (select current_setting('app.workspace_id')::uuid)"
    op.execute("alter table deployment_versions enable row level security")
    op.execute("alter table deployment_versions force row level security")
    op.execute(f'create policy tenant on deployment_versions to "{app}" using ({own}) with check ({own})')
    op.execute(f'create policy system on deployment_versions to "{system}" using (true) with check (true)')
    op.execute(f'grant select, insert, update, delete on deployment_versions to "{app}", "{system}"')


def downgrade() -> None:
    op.drop_column('flow_runs', 'deployment_version_id')
    op.drop_column('deployments', 'current_version_id')
    op.drop_table('deployment_versions')
