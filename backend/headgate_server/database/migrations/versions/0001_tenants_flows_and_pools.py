"""Tenants, flows, deployments, pools, events."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('control_plane',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('generation', sa.UUID(), nullable=False),
    sa.Column('last_tick_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_served_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_control_plane'))
    )
    op.create_table('events',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('sequence', sa.BigInteger(), nullable=False),
    sa.Column('occurred_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('resource_id', sa.Text(), nullable=False),
    sa.Column('resource', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
    sa.Column('payload', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
    sa.Column('related', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False),
    sa.PrimaryKeyConstraint('workspace_id', 'sequence', 'occurred_at', name=op.f('pk_events')),
    postgresql_partition_by='RANGE (occurred_at)'
    )
    op.create_index('ix_events_id', 'events', ['workspace_id', 'id'], unique=False)
    op.create_index('ix_events_occurred', 'events', ['workspace_id', 'occurred_at', 'sequence'], unique=False)
    op.create_table('logs',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('flow_run_id', sa.UUID(), nullable=False),
    sa.Column('sequence', sa.BigInteger(), nullable=False),
    sa.Column('timestamp', sa.DateTime(timezone=True), nullable=False),
    sa.Column('level', sa.BigInteger(), nullable=False),
    sa.Column('logger', sa.Text(), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('task_run_id', sa.UUID(), nullable=True),
    sa.PrimaryKeyConstraint('workspace_id', 'flow_run_id', 'sequence', name=op.f('pk_logs')),
    postgresql_partition_by='RANGE (flow_run_id)'
    )
    op.create_table('organizations',
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organizations')),
    sa.UniqueConstraint('slug', name=op.f('uq_organizations_slug'))
    )
    op.create_table('states',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('flow_run_id', sa.UUID(), nullable=False),
    sa.Column('sequence', sa.BigInteger(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('message', sa.Text(), nullable=True),
    sa.Column('timestamp', sa.DateTime(timezone=True), nullable=False),
    sa.Column('details', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('actor_kind', sa.Text(), nullable=False),
    sa.Column('actor_id', sa.UUID(), nullable=True),
    sa.Column('actor_name', sa.Text(), nullable=False),
    sa.Column('decision', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.CheckConstraint("type in ('SCHEDULED', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING', 'COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')", name=op.f('ck_states_type')),
    sa.PrimaryKeyConstraint('workspace_id', 'flow_run_id', 'sequence', name=op.f('pk_states')),
    postgresql_partition_by='RANGE (flow_run_id)'
    )
    op.create_table('users',
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('display_name', sa.Text(), nullable=False),
    sa.Column('email', sa.Text(), nullable=True),
    sa.Column('avatar_url', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_users')),
    sa.UniqueConstraint('email', name=op.f('uq_users_email'))
    )
    op.create_table('service_accounts',
    sa.Column('organization_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('display_name', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_service_accounts_organizations')),
    sa.PrimaryKeyConstraint('organization_id', 'id', name=op.f('pk_service_accounts'))
    )
    op.create_table('workspaces',
    sa.Column('organization_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_workspaces_organizations')),
    sa.PrimaryKeyConstraint('organization_id', 'id', name=op.f('pk_workspaces')),
    sa.UniqueConstraint('id', name=op.f('uq_workspaces_id')),
    sa.UniqueConstraint('organization_id', 'slug', name=op.f('uq_workspaces_organization_id_slug'))
    )
    op.create_table('api_keys',
    sa.Column('organization_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('prefix', sa.Text(), nullable=False),
    sa.Column('secret_hash', postgresql.BYTEA(), nullable=False),
    sa.Column('owner_kind', sa.Text(), nullable=False),
    sa.Column('owner_id', sa.UUID(), nullable=True),
    sa.Column('owner_name', sa.Text(), nullable=False),
    sa.Column('workspace_id', sa.UUID(), nullable=True),
    sa.Column('work_pool_id', sa.UUID(), nullable=True),
    sa.Column('scopes', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("kind <> 'agent' or work_pool_id is not null", name=op.f('ck_api_keys_agent_pool')),
    sa.CheckConstraint("kind in ('key', 'agent')", name=op.f('ck_api_keys_kind')),
    sa.ForeignKeyConstraint(['organization_id', 'workspace_id'], ['workspaces.organization_id', 'workspaces.id'], name=op.f('fk_api_keys_workspaces')),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_api_keys_organizations')),
    sa.PrimaryKeyConstraint('organization_id', 'id', name=op.f('pk_api_keys'))
    )
    op.create_index('ix_api_keys_id', 'api_keys', ['id'], unique=True)
    op.create_index('ix_api_keys_owner', 'api_keys', ['organization_id', 'owner_id'], unique=False)
    op.create_table('flows',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_by_kind', sa.Text(), nullable=False),
    sa.Column('created_by_id', sa.UUID(), nullable=True),
    sa.Column('created_by_name', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_flows_workspaces')),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_flows')),
    sa.UniqueConstraint('workspace_id', 'name', name=op.f('uq_flows_workspace_id_name'))
    )
    op.create_table('idempotency_keys',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('operation', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('input_hash', sa.Text(), nullable=False),
    sa.Column('answer', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_idempotency_keys_workspaces')),
    sa.PrimaryKeyConstraint('workspace_id', 'actor', 'operation', 'key', name=op.f('pk_idempotency_keys'))
    )
    op.create_index('ix_idempotency_keys_expiry', 'idempotency_keys', ['expires_at'], unique=False)
    op.create_table('outbox',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('event_id', sa.UUID(), nullable=False),
    sa.Column('occurred_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('resource_id', sa.Text(), nullable=False),
    sa.Column('resource', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
    sa.Column('payload', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
    sa.Column('related', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_outbox_workspaces')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outbox'))
    )
    op.create_table('work_pools',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('is_paused', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('concurrency_limit', sa.BigInteger(), nullable=True),
    sa.Column('base_job_template', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('concurrency_limit >= 0', name=op.f('ck_work_pools_concurrency_limit')),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_work_pools_workspaces')),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_work_pools')),
    sa.UniqueConstraint('workspace_id', 'name', name=op.f('uq_work_pools_workspace_id_name'))
    )
    op.create_table('agents',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('work_pool_id', sa.UUID(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'work_pool_id'], ['work_pools.workspace_id', 'work_pools.id'], name=op.f('fk_agents_work_pools'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_agents')),
    sa.UniqueConstraint('workspace_id', 'work_pool_id', 'name', name=op.f('uq_agents_workspace_id_work_pool_id_name'))
    )
    op.create_table('flow_tags',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('tag', sa.Text(), nullable=False),
    sa.Column('flow_id', sa.UUID(), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'flow_id'], ['flows.workspace_id', 'flows.id'], name=op.f('fk_flow_tags_flows'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'tag', 'flow_id', name=op.f('pk_flow_tags'))
    )
    op.create_index('ix_flow_tags_flow', 'flow_tags', ['workspace_id', 'flow_id'], unique=False)
    op.create_table('work_queues',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('work_pool_id', sa.UUID(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('priority', sa.BigInteger(), nullable=False),
    sa.Column('is_paused', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('concurrency_limit', sa.BigInteger(), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('concurrency_limit >= 0', name=op.f('ck_work_queues_concurrency_limit')),
    sa.ForeignKeyConstraint(['workspace_id', 'work_pool_id'], ['work_pools.workspace_id', 'work_pools.id'], name=op.f('fk_work_queues_work_pools'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_work_queues')),
    sa.UniqueConstraint('workspace_id', 'work_pool_id', 'name', name=op.f('uq_work_queues_workspace_id_work_pool_id_name'))
    )
    op.create_table('agent_sessions',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('agent_id', sa.UUID(), nullable=False),
    sa.Column('work_pool_id', sa.UUID(), nullable=False),
    sa.Column('queue_ids', postgresql.ARRAY(sa.UUID()), nullable=True),
    sa.Column('instance_id', sa.UUID(), nullable=False),
    sa.Column('api_key_id', sa.UUID(), nullable=True),
    sa.Column('capacity', sa.BigInteger(), nullable=False),
    sa.Column('labels', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('sdk_version', sa.Text(), nullable=False),
    sa.Column('host', sa.Text(), nullable=True),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('stream_epoch', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('stream_replica_id', sa.UUID(), nullable=True),
    sa.Column('expired_offers', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('connected_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state in ('ONLINE', 'PAUSED', 'DRAINING', 'OFFLINE', 'LOST')", name=op.f('ck_agent_sessions_state')),
    sa.ForeignKeyConstraint(['workspace_id', 'agent_id'], ['agents.workspace_id', 'agents.id'], name=op.f('fk_agent_sessions_agents'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_agent_sessions')),
    sa.UniqueConstraint('workspace_id', 'agent_id', 'instance_id', name=op.f('uq_agent_sessions_workspace_id_agent_id_instance_id'))
    )
    op.create_index('ix_agent_sessions_agent', 'agent_sessions', ['workspace_id', 'agent_id', 'id'], unique=False)
    op.create_index('ix_agent_sessions_id', 'agent_sessions', ['id'], unique=True)
    op.create_index('ix_agent_sessions_live', 'agent_sessions', ['last_seen_at'], unique=False, postgresql_where=sa.text('ended_at is null'))
    op.create_index('ix_agent_sessions_pool', 'agent_sessions', ['work_pool_id'], unique=False, postgresql_where=sa.text('ended_at is null'))
    op.create_table('deployments',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('flow_id', sa.UUID(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('is_paused', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('entrypoint', sa.Text(), nullable=True),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('parameters', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('parameter_schema', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('is_schema_enforced', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('work_pool_id', sa.UUID(), nullable=True),
    sa.Column('work_queue_id', sa.UUID(), nullable=True),
    sa.Column('job_variables', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('pull_steps', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('on_agent_lost', sa.Text(), nullable=False),
    sa.Column('abandon_after_ms', sa.BigInteger(), nullable=False),
    sa.Column('fence_ms', sa.BigInteger(), nullable=False),
    sa.Column('infrastructure_retries', sa.BigInteger(), nullable=False),
    sa.Column('late_threshold_ms', sa.BigInteger(), nullable=False),
    sa.Column('created_by_kind', sa.Text(), nullable=False),
    sa.Column('created_by_id', sa.UUID(), nullable=True),
    sa.Column('created_by_name', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("on_agent_lost in ('CRASH', 'RETRY')", name=op.f('ck_deployments_on_agent_lost')),
    sa.ForeignKeyConstraint(['workspace_id', 'flow_id'], ['flows.workspace_id', 'flows.id'], name=op.f('fk_deployments_flows')),
    sa.ForeignKeyConstraint(['workspace_id', 'work_pool_id'], ['work_pools.workspace_id', 'work_pools.id'], name=op.f('fk_deployments_work_pools')),
    sa.ForeignKeyConstraint(['workspace_id', 'work_queue_id'], ['work_queues.workspace_id', 'work_queues.id'], name=op.f('fk_deployments_work_queues')),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_deployments')),
    sa.UniqueConstraint('workspace_id', 'flow_id', 'name', name=op.f('uq_deployments_workspace_id_flow_id_name'))
    )
    op.create_index('ix_deployments_name', 'deployments', ['workspace_id', 'name', 'id'], unique=False)
    op.create_table('deployment_tags',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('tag', sa.Text(), nullable=False),
    sa.Column('deployment_id', sa.UUID(), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'deployment_id'], ['deployments.workspace_id', 'deployments.id'], name=op.f('fk_deployment_tags_deployments'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'tag', 'deployment_id', name=op.f('pk_deployment_tags'))
    )
    op.create_index('ix_deployment_tags_deployment', 'deployment_tags', ['workspace_id', 'deployment_id'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_deployment_tags_deployment', table_name='deployment_tags')
    op.drop_table('deployment_tags')
    op.drop_index('ix_deployments_name', table_name='deployments')
    op.drop_table('deployments')
    op.drop_index('ix_agent_sessions_pool', table_name='agent_sessions', postgresql_where=sa.text('ended_at is null'))
    op.drop_index('ix_agent_sessions_live', table_name='agent_sessions', postgresql_where=sa.text('ended_at is null'))
    op.drop_index('ix_agent_sessions_id', table_name='agent_sessions')
    op.drop_index('ix_agent_sessions_agent', table_name='agent_sessions')
    op.drop_table('agent_sessions')
    op.drop_table('work_queues')
    op.drop_index('ix_flow_tags_flow', table_name='flow_tags')
    op.drop_table('flow_tags')
    op.drop_table('agents')
    op.drop_table('work_pools')
    op.drop_table('outbox')
    op.drop_index('ix_idempotency_keys_expiry', table_name='idempotency_keys')
    op.drop_table('idempotency_keys')
    op.drop_table('flows')
    op.drop_index('ix_api_keys_owner', table_name='api_keys')
    op.drop_index('ix_api_keys_id', table_name='api_keys')
    op.drop_table('api_keys')
    op.drop_table('workspaces')
    op.drop_table('service_accounts')
    op.drop_table('users')
    op.drop_table('states')
    op.drop_table('organizations')
    op.drop_table('logs')
    op.drop_index('ix_events_occurred', table_name='events')
    op.drop_index('ix_events_id', table_name='events')
    op.drop_table('events')
    op.drop_table('control_plane')
