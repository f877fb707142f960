"""What pages keep, made through the API: an SLA rule and a saved view."""

from headgate_server.domain.ids import Kind
from tests.factories.mutations import mutate
from tests.fixtures.api import ApiClient


async def make_rule_and_view(api: ApiClient, found: dict[Kind, str]) -> dict[Kind, str]:
    """Make a rule of the deployment, which no loop judges, and a shared view; return their ids."""
    rule = await mutate(
        api,
        "slaRuleCreate",
        "slaRule { id }",
        name="in time",
        kind="LATENESS",
        within="PT5M",
        deploymentId=found[Kind.DEPLOYMENT],
    )
    view = await mutate(
        api,
        "savedViewCreate",
        "savedView { id }",
        workspaceId=found[Kind.WORKSPACE],
        name="failed",
        page="flow-runs",
        filter={"state": {"type": ["FAILED"]}},
        shared=True,
    )
    return {Kind.SLA_RULE: rule["slaRule"]["id"], Kind.SAVED_VIEW: view["savedView"]["id"]}
