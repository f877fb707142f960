"""Live runs hold what they need, ended ones only remember it; and how often hot tables are vacuumed."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NEEDED = {"deployment_id": "deployments", "work_pool_id": "work_pools", "work_queue_id": "work_queues"}
HOT = {
    "work_items": "autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.05",
    "outbox": "autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, "
    "autovacuum_vacuum_cost_delay = 0, autovacuum_vacuum_insert_scale_factor = 0.2",
    "flow_runs": "autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 1",
    "task_runs": "autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 1",
    "flow_run_cursors": "autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 1",
    "agent_sessions": "fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0",
    "schedules": "fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05",
}


def upgrade() -> None:
    for column, table in NEEDED.items():
        op.drop_constraint(op.f(f'fk_flow_runs_{table}'), 'flow_runs', type_='foreignkey')
        op.create_foreign_key(
            op.f(f'fk_work_items_{table}'), 'work_items', table,
            ['workspace_id', column], ['workspace_id', 'id'],
        )
    for table, settings in HOT.items():
        op.execute(f"alter table {table} set ({settings})")


def downgrade() -> None:
    # How often tables are vacuumed stays: it is of no concern to older code.
    for column, table in NEEDED.items():
        op.drop_constraint(op.f(f'fk_work_items_{table}'), 'work_items', type_='foreignkey')
        op.create_foreign_key(
            op.f(f'fk_flow_runs_{table}'), 'flow_runs', table,
            ['workspace_id', column], ['workspace_id', 'id'],
        )
