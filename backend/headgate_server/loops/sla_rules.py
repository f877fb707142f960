"""Judges SLA rules, and tells of what broke them."""

from uuid import UUID

from headgate_server.loops.loop import LoopContext, run_alone
from headgate_server.services import sla_rules

NAME = "sla_rules"
WORKSPACES_AT_ONCE = 50


async def run_once(context: LoopContext) -> int:
    """Judge every rule that is due, those of a workspace in one transaction; how many rules.

    A workspace whose rules cannot be judged holds no other up.
    """
    async with context.database.system() as work:
        workspace_ids = await sla_rules.list_due_workspaces(work, most=WORKSPACES_AT_ONCE)
    judged = 0
    for workspace_id in workspace_ids:
        judged += await run_alone(_judge(context, workspace_id), name=NAME, context=context) or 0
    return judged


async def _judge(context: LoopContext, workspace_id: UUID) -> int:
    async with context.database.system(workspace_id=workspace_id) as work:
        return await sla_rules.judge_rules(work)
