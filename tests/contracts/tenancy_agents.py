"""The cells of mutations of agents."""

from uuid import uuid4

from headgate_server.domain.ids import Kind
from tests.contracts.tenancy_cells import begun, change, offered, session

STATE = "accepted state { type }"

AGENTS = (
    change(
        "agentRegister",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda _e, id_: {
            "workspaceId": id_,
            "poolName": "pool",
            "name": "agent-2",
            "instanceId": str(uuid4()),
            "capacity": 1,
            "sdkVersion": "1",
            "protocolVersions": [1],
        },
        selection="agent { name }",
    ),
    change(
        "agentHeartbeat",
        "input.sessionId",
        Kind.AGENT_SESSION,
        lambda _e, id_: {"sessionId": id_, "held": [], "capacity": 1},
        selection="sessionToken",
        callers=("agent",),
    ),
    change(
        "agentHeartbeat",
        "input.held.runId",
        Kind.FLOW_RUN,
        lambda e, id_: session(e, held=[{**e.own_run["lease"], "runId": id_}], capacity=1),
        selection="leases { outcome }",
        callers=("agent",),
        own_id=begun,
    ),
    change(
        "agentPoll",
        "input.sessionId",
        Kind.AGENT_SESSION,
        lambda _e, id_: {"sessionId": id_, "held": [], "waitSeconds": 0},
        selection="messages { __typename }",
        callers=("agent",),
    ),
    change(
        "agentPoll",
        "input.held.runId",
        Kind.FLOW_RUN,
        lambda e, id_: session(e, held=[{**e.own_run["lease"], "runId": id_}], waitSeconds=0),
        selection="messages { ... on StreamOpened { held { runId } } }",
        callers=("agent",),
        own_id=begun,
    ),
    change(
        "agentDrain",
        "input.sessionId",
        Kind.AGENT_SESSION,
        lambda _e, id_: {"sessionId": id_},
        selection="agent { name }",
        callers=("agent",),
    ),
    change(
        "agentDeregister",
        "input.sessionId",
        Kind.AGENT_SESSION,
        lambda _e, id_: {"sessionId": id_},
        selection="deletedId",
        input_type="AgentSessionInput",
        callers=("agent",),
    ),
    change(
        "runClaim",
        "input.sessionId",
        Kind.AGENT_SESSION,
        lambda e, id_: {"sessionId": id_, "lease": e.offer},
        selection="run { name }",
        callers=("agent",),
    ),
    change(
        "runClaim",
        "input.lease.runId",
        Kind.FLOW_RUN,
        lambda e, id_: session(e, lease={**e.offer, "runId": id_}),
        selection="run { name }",
        callers=("agent",),
        own_id=offered,
    ),
    change(
        "runDecline",
        "input.sessionId",
        Kind.AGENT_SESSION,
        lambda e, id_: {"sessionId": id_, "lease": e.offer, "reason": "busy"},
        selection="deletedId",
        callers=("agent",),
    ),
    change(
        "runDecline",
        "input.lease.runId",
        Kind.FLOW_RUN,
        lambda e, id_: session(e, lease={**e.offer, "runId": id_}, reason="busy"),
        selection="deletedId",
        callers=("agent",),
        own_id=offered,
    ),
    change(
        "runRelease",
        "input.sessionId",
        Kind.AGENT_SESSION,
        lambda e, id_: {"sessionId": id_, "lease": e.offer, "finalState": {"type": "CRASHED"}},
        selection=STATE,
        callers=("agent",),
    ),
    change(
        "runRelease",
        "input.lease.runId",
        Kind.FLOW_RUN,
        lambda e, id_: session(e, lease={**e.offer, "runId": id_}, finalState={"type": "CRASHED"}),
        selection=STATE,
        callers=("agent",),
        own_id=offered,
    ),
)
