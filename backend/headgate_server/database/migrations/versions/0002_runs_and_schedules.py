"""Runs, their history and logs, schedules, work items."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('flow_runs',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('flow_id', sa.UUID(), nullable=False),
    sa.Column('deployment_id', sa.UUID(), nullable=True),
    sa.Column('schedule_id', sa.UUID(), nullable=True),
    sa.Column('parent_task_run_id', sa.UUID(), nullable=True),
    sa.Column('root_run_id', sa.UUID(), nullable=True),
    sa.Column('work_pool_id', sa.UUID(), nullable=True),
    sa.Column('work_queue_id', sa.UUID(), nullable=True),
    sa.Column('state_type', sa.Text(), nullable=False),
    sa.Column('state_name', sa.Text(), nullable=False),
    sa.Column('state_message', sa.Text(), nullable=True),
    sa.Column('state_timestamp', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state_sequence', sa.BigInteger(), nullable=False),
    sa.Column('state_key', sa.Text(), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('attempt', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('retries_used', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('infrastructure_attempts', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('priority', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('expected_start', sa.DateTime(timezone=True), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('late_cause', sa.Text(), nullable=True),
    sa.Column('unresponsive_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('cancel_requested_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('idempotency_key', sa.Text(), nullable=True),
    sa.Column('created_by_kind', sa.Text(), nullable=False),
    sa.Column('created_by_id', sa.UUID(), nullable=True),
    sa.Column('created_by_name', sa.Text(), nullable=False),
    sa.Column('triggered_by', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('parameters', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('job_variables', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("(state_type in ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')) = (ended_at is not null)", name=op.f('ck_flow_runs_ended')),
    sa.CheckConstraint("late_cause in ('CONTROL_PLANE', 'NO_AGENT', 'LIMIT', 'PAUSED')", name=op.f('ck_flow_runs_late_cause')),
    sa.CheckConstraint("state_type in ('SCHEDULED', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING', 'COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')", name=op.f('ck_flow_runs_state_type')),
    sa.ForeignKeyConstraint(['workspace_id', 'deployment_id'], ['deployments.workspace_id', 'deployments.id'], name=op.f('fk_flow_runs_deployments')),
    sa.ForeignKeyConstraint(['workspace_id', 'flow_id'], ['flows.workspace_id', 'flows.id'], name=op.f('fk_flow_runs_flows')),
    sa.ForeignKeyConstraint(['workspace_id', 'work_pool_id'], ['work_pools.workspace_id', 'work_pools.id'], name=op.f('fk_flow_runs_work_pools')),
    sa.ForeignKeyConstraint(['workspace_id', 'work_queue_id'], ['work_queues.workspace_id', 'work_queues.id'], name=op.f('fk_flow_runs_work_queues')),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_flow_runs')),
    postgresql_with={'fillfactor': '80'}
    )
    op.create_index('ix_flow_runs_deployment', 'flow_runs', ['workspace_id', 'deployment_id', 'expected_start', 'id'], unique=False)
    op.create_index('ix_flow_runs_flow', 'flow_runs', ['workspace_id', 'flow_id', 'expected_start', 'id'], unique=False)
    op.create_index('ix_flow_runs_newest', 'flow_runs', ['workspace_id', 'expected_start', 'id'], unique=False)
    op.create_index('ix_flow_runs_parent', 'flow_runs', ['workspace_id', 'parent_task_run_id'], unique=False, postgresql_where=sa.text('parent_task_run_id is not null'))
    op.create_index('ix_flow_runs_schedule', 'flow_runs', ['workspace_id', 'schedule_id'], unique=False, postgresql_where=sa.text("schedule_id is not null and state_type = 'SCHEDULED'"))
    op.create_index('ix_flow_runs_state', 'flow_runs', ['workspace_id', 'state_type', 'expected_start', 'id'], unique=False)
    op.create_table('schedules',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('deployment_id', sa.UUID(), nullable=False),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('is_active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('timezone', sa.Text(), nullable=False),
    sa.Column('spec', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
    sa.Column('parameters', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('catch_up_policy', sa.Text(), nullable=False),
    sa.Column('catch_up_max', sa.BigInteger(), nullable=False),
    sa.Column('catch_up_window_ms', sa.BigInteger(), nullable=False),
    sa.Column('generation', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('next_fire_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('missed_count', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("catch_up_policy in ('SKIP', 'LATEST', 'ALL')", name=op.f('ck_schedules_catch_up_policy')),
    sa.ForeignKeyConstraint(['workspace_id', 'deployment_id'], ['deployments.workspace_id', 'deployments.id'], name=op.f('fk_schedules_deployments'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_schedules')),
    sa.UniqueConstraint('workspace_id', 'deployment_id', 'slug', name=op.f('uq_schedules_workspace_id_deployment_id_slug'))
    )
    op.create_index('ix_schedules_next', 'schedules', ['next_fire_at'], unique=False, postgresql_where=sa.text('is_active'))
    op.create_table('attempts',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('flow_run_id', sa.UUID(), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('epoch', sa.BigInteger(), nullable=False),
    sa.Column('agent_id', sa.UUID(), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['workspace_id', 'flow_run_id'], ['flow_runs.workspace_id', 'flow_runs.id'], name=op.f('fk_attempts_flow_runs'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'flow_run_id', 'number', name=op.f('pk_attempts'))
    )
    op.create_index('ix_attempts_open', 'attempts', ['workspace_id', 'flow_run_id'], unique=True, postgresql_where=sa.text('ended_at is null'))
    op.create_table('flow_run_cursors',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('flow_run_id', sa.UUID(), nullable=False),
    sa.Column('task_sequence', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('log_sequence', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('log_streams', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'flow_run_id'], ['flow_runs.workspace_id', 'flow_runs.id'], name=op.f('fk_flow_run_cursors_flow_runs'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'flow_run_id', name=op.f('pk_flow_run_cursors')),
    postgresql_with={'fillfactor': '60'}
    )
    op.create_table('flow_run_tags',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('tag', sa.Text(), nullable=False),
    sa.Column('flow_run_id', sa.UUID(), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'flow_run_id'], ['flow_runs.workspace_id', 'flow_runs.id'], name=op.f('fk_flow_run_tags_flow_runs'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'tag', 'flow_run_id', name=op.f('pk_flow_run_tags'))
    )
    op.create_index('ix_flow_run_tags_run', 'flow_run_tags', ['workspace_id', 'flow_run_id'], unique=False)
    op.create_table('schedule_fires',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('schedule_id', sa.UUID(), nullable=False),
    sa.Column('fire_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('run_id', sa.UUID(), nullable=True),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("(outcome = 'CREATED') = (run_id is not null)", name=op.f('ck_schedule_fires_run')),
    sa.CheckConstraint("outcome in ('CREATED', 'SKIPPED')", name=op.f('ck_schedule_fires_outcome')),
    sa.ForeignKeyConstraint(['workspace_id', 'schedule_id'], ['schedules.workspace_id', 'schedules.id'], name=op.f('fk_schedule_fires_schedules'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'schedule_id', 'fire_at', name=op.f('pk_schedule_fires'))
    )
    op.create_table('task_runs',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('flow_run_id', sa.UUID(), nullable=False),
    sa.Column('task_key', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('map_index', sa.BigInteger(), nullable=True),
    sa.Column('tags', postgresql.ARRAY(sa.Text()), nullable=True),
    sa.Column('cache_key', sa.Text(), nullable=True),
    sa.Column('attempt', sa.BigInteger(), nullable=False),
    sa.Column('parents', postgresql.ARRAY(sa.UUID()), nullable=True),
    sa.Column('state_type', sa.Text(), nullable=False),
    sa.Column('state_name', sa.Text(), nullable=False),
    sa.Column('states', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
    sa.Column('state_count', sa.BigInteger(), nullable=False),
    sa.Column('update_sequence', sa.BigInteger(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("state_type in ('SCHEDULED', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING', 'COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')", name=op.f('ck_task_runs_state_type')),
    sa.ForeignKeyConstraint(['workspace_id', 'flow_run_id'], ['flow_runs.workspace_id', 'flow_runs.id'], name=op.f('fk_task_runs_flow_runs'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_task_runs')),
    postgresql_with={'fillfactor': '80'}
    )
    op.create_index('ix_task_runs_run', 'task_runs', ['workspace_id', 'flow_run_id', 'id'], unique=False)
    op.create_table('work_items',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('run_id', sa.UUID(), nullable=False),
    sa.Column('work_pool_id', sa.UUID(), nullable=True),
    sa.Column('work_queue_id', sa.UUID(), nullable=True),
    sa.Column('deployment_id', sa.UUID(), nullable=True),
    sa.Column('queue_priority', sa.BigInteger(), nullable=False),
    sa.Column('priority', sa.BigInteger(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('phase', sa.Text(), nullable=False),
    sa.Column('is_held', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('session_id', sa.UUID(), nullable=True),
    sa.Column('token', sa.UUID(), nullable=True),
    sa.Column('epoch', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('fence_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('unresponsive_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('offered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('claimed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('deliveries', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('late_due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('late_threshold_ms', sa.BigInteger(), nullable=False),
    sa.Column('on_agent_lost', sa.Text(), nullable=False),
    sa.Column('abandon_after_ms', sa.BigInteger(), nullable=False),
    sa.Column('fence_ms', sa.BigInteger(), nullable=False),
    sa.Column('infrastructure_retries', sa.BigInteger(), nullable=False),
    sa.Column('cancel_requested_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('cancel_reason', sa.Text(), nullable=True),
    sa.Column('cancel_grace_seconds', sa.BigInteger(), nullable=True),
    sa.CheckConstraint("(phase = 'READY') = (fence_until is null)", name=op.f('ck_work_items_fence')),
    sa.CheckConstraint("(phase = 'READY') = (token is null)", name=op.f('ck_work_items_token')),
    sa.CheckConstraint("phase in ('READY', 'OFFERED', 'CLAIMED', 'RUNNING')", name=op.f('ck_work_items_phase')),
    sa.ForeignKeyConstraint(['workspace_id', 'run_id'], ['flow_runs.workspace_id', 'flow_runs.id'], name=op.f('fk_work_items_flow_runs'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'run_id', name=op.f('pk_work_items')),
    postgresql_with={'fillfactor': '60', 'autovacuum_vacuum_scale_factor': '0.02', 'autovacuum_vacuum_cost_delay': '1'}
    )
    op.create_index('ix_work_items_due', 'work_items', ['work_pool_id', 'due_at'], unique=False, postgresql_where=sa.text("phase = 'READY' and not is_held"))
    op.create_index('ix_work_items_fence', 'work_items', ['fence_until'], unique=False, postgresql_where=sa.text("phase <> 'READY'"))
    op.create_index('ix_work_items_late', 'work_items', ['late_due_at'], unique=False, postgresql_where=sa.text("phase = 'READY' and late_due_at is not null"))
    op.create_index('ix_work_items_pool', 'work_items', ['work_pool_id'], unique=False, postgresql_where=sa.text("phase <> 'READY'"))
    op.create_index('ix_work_items_ready', 'work_items', ['work_pool_id', 'queue_priority', sa.literal_column('priority desc'), 'due_at', 'run_id'], unique=False, postgresql_where=sa.text("phase = 'READY' and not is_held"))
    op.create_index('ix_work_items_session', 'work_items', ['session_id'], unique=False, postgresql_where=sa.text("phase <> 'READY'"))
    op.create_index('ix_work_items_silent', 'work_items', ['last_seen_at'], unique=False, postgresql_where=sa.text("phase = 'RUNNING' and unresponsive_at is null"))


def downgrade() -> None:
    op.drop_index('ix_work_items_silent', table_name='work_items', postgresql_where=sa.text("phase = 'RUNNING' and unresponsive_at is null"))
    op.drop_index('ix_work_items_session', table_name='work_items', postgresql_where=sa.text("phase <> 'READY'"))
    op.drop_index('ix_work_items_ready', table_name='work_items', postgresql_where=sa.text("phase = 'READY' and not is_held"))
    op.drop_index('ix_work_items_pool', table_name='work_items', postgresql_where=sa.text("phase <> 'READY'"))
    op.drop_index('ix_work_items_late', table_name='work_items', postgresql_where=sa.text("phase = 'READY' and late_due_at is not null"))
    op.drop_index('ix_work_items_fence', table_name='work_items', postgresql_where=sa.text("phase <> 'READY'"))
    op.drop_index('ix_work_items_due', table_name='work_items', postgresql_where=sa.text("phase = 'READY' and not is_held"))
    op.drop_table('work_items')
    op.drop_index('ix_task_runs_run', table_name='task_runs')
    op.drop_table('task_runs')
    op.drop_table('schedule_fires')
    op.drop_index('ix_flow_run_tags_run', table_name='flow_run_tags')
    op.drop_table('flow_run_tags')
    op.drop_table('flow_run_cursors')
    op.drop_index('ix_attempts_open', table_name='attempts', postgresql_where=sa.text('ended_at is null'))
    op.drop_table('attempts')
    op.drop_index('ix_schedules_next', table_name='schedules', postgresql_where=sa.text('is_active'))
    op.drop_table('schedules')
    op.drop_index('ix_flow_runs_state', table_name='flow_runs')
    op.drop_index('ix_flow_runs_schedule', table_name='flow_runs', postgresql_where=sa.text("schedule_id is not null and state_type = 'SCHEDULED'"))
    op.drop_index('ix_flow_runs_parent', table_name='flow_runs', postgresql_where=sa.text('parent_task_run_id is not null'))
    op.drop_index('ix_flow_runs_newest', table_name='flow_runs')
    op.drop_index('ix_flow_runs_flow', table_name='flow_runs')
    op.drop_index('ix_flow_runs_deployment', table_name='flow_runs')
    op.drop_table('flow_runs')
