"""Judges SLA rules, and tells of what broke them."""

from headgate_server.loops.loop import LoopContext
from headgate_server.services import sla_rules

WORKSPACES_AT_ONCE = 50


async def run_once(context: LoopContext) -> int:
    """Judge every rule that is due, those of a workspace in one transaction; how many rules."""
    async with context.database.system() as work:
        workspace_ids = await sla_rules.list_due_workspaces(work, most=WORKSPACES_AT_ONCE)
    judged = 0
    for workspace_id in workspace_ids:
        async with context.database.system(workspace_id=workspace_id) as work:
            judged += await sla_rules.judge_rules(work)
    return judged
