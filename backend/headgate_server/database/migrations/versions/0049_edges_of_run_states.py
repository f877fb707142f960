"""No statement takes a run from one state to another where no edge leads, whoever sends it."""

from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

ENDS = "COMPLETED FAILED CRASHED CANCELLED"
EDGES = {
    "SCHEDULED": f"PENDING RUNNING CANCELLING {ENDS}",
    "PENDING": f"SCHEDULED RUNNING CANCELLING {ENDS}",
    "RUNNING": f"SCHEDULED PAUSED CANCELLING {ENDS}",
    "PAUSED": f"SCHEDULED RUNNING CANCELLING {ENDS}",
    "CANCELLING": f"SCHEDULED {ENDS}",
    **dict.fromkeys(ENDS.split(), "SCHEDULED"),
}
# The rules', and where a person may force a run that has not ended: to an end, or to its beginning.
PAIRS = ", ".join(f"'{old} {new}'" for old, news in EDGES.items() for new in news.split())

REFUSE = """
create function refuse_run_state() returns trigger language plpgsql as $$
begin
  raise exception 'run % goes from % to %, where no edge leads', old.id, old.state_type, new.state_type
    using errcode = 'check_violation';
end $$
"""
# What is no edge is found without a call: only then does the function run.
EDGE = f"""
create trigger flow_run_edge before update of state_type on flow_runs
for each row when (
  old.state_type <> new.state_type
  and old.state_type || ' ' || new.state_type not in ({PAIRS})
)
execute function refuse_run_state()
"""


def upgrade() -> None:
    op.execute(REFUSE)
    op.execute(EDGE)


def downgrade() -> None:
    op.execute("drop trigger flow_run_edge on flow_runs")
    op.execute("drop function refuse_run_state()")
