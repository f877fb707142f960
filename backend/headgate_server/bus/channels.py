"""The names of the channels that wake someone."""

from uuid import UUID


def pool(work_pool_id: UUID) -> str:
    """Work became ready in this pool, or room for it did."""
    return f"pool:{work_pool_id}"


def agent(session_id: UUID) -> str:
    """This agent session has a message waiting."""
    return f"agent:{session_id}"


def run(flow_run_id: UUID) -> str:
    """This run has new states, task runs or log lines."""
    return f"run:{flow_run_id}"


def workspace(workspace_id: UUID) -> str:
    """This workspace has new events."""
    return f"ws:{workspace_id}"


def api_key(key_id: UUID) -> str:
    """This key was revoked or has another secret: look again at what is open under it."""
    return f"key:{key_id}"


def login_session(session_id: UUID) -> str:
    """This login session has ended: look again at what is open under it."""
    return f"login:{session_id}"


def rights(organization_id: UUID) -> str:
    """Somebody's roles in this organization changed: look again at what they may do."""
    return f"rights:{organization_id}"


def slots(workspace_id: UUID) -> str:
    """Slots of concurrency limits in this workspace may have come free."""
    return f"slots:{workspace_id}"


def background_tasks(workspace_id: UUID) -> str:
    """A background task is there to be taken, or a worker has room for one."""
    return f"btasks:{workspace_id}"


def background_task(id_: UUID) -> str:
    """This background task moved on."""
    return f"btask:{id_}"


SCHEDULER = "scheduler"
"""Something will be due that was not before: look before the next tick."""

OUTBOX = "outbox"
"""An event awaits publication."""
