"""The end of a run may be corrected: from each end to each other one."""

from alembic import op

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None

ENDS = "COMPLETED FAILED CRASHED CANCELLED"
EDGES = {
    "SCHEDULED": f"PENDING RUNNING CANCELLING {ENDS}",
    "PENDING": f"SCHEDULED RUNNING CANCELLING {ENDS}",
    "RUNNING": f"SCHEDULED PAUSED CANCELLING {ENDS}",
    "PAUSED": f"SCHEDULED RUNNING CANCELLING {ENDS}",
    "CANCELLING": f"SCHEDULED {ENDS}",
}
BEFORE = dict.fromkeys(ENDS.split(), "SCHEDULED")
# No trigger sees an update that leaves the type as it is.
AFTER = dict.fromkeys(ENDS.split(), f"SCHEDULED {ENDS}")


def upgrade() -> None:
    _replace({**EDGES, **AFTER})


def downgrade() -> None:
    _replace({**EDGES, **BEFORE})


def _replace(edges: dict[str, str]) -> None:
    pairs = ", ".join(
        f"'{old} {new}'" for old, news in edges.items() for new in news.split() if old != new
    )
    op.execute(f"""
        create or replace trigger flow_run_edge before update of state_type on flow_runs
        for each row when (
          old.state_type <> new.state_type
          and old.state_type || ' ' || new.state_type not in ({pairs})
        )
        execute function refuse_run_state()
    """)
