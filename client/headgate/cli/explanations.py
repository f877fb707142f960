"""What the codes of errors, blockers and exits mean, and what to do: `headgate explain CODE`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explanation:
    """A code in words.

    Args:
        next: what to do about it, as a sentence or a command.
    """

    meaning: str
    next: str


ERRORS = {
    "ADDRESS_NOT_ALLOWED": Explanation(
        "The organization may be reached from some networks only, and this is none of them.",
        "Call from one of them, or ask an owner to add this one.",
    ),
    "BAD_REQUEST": Explanation(
        "The server could not read the request.",
        "Compare the versions of client and server: `headgate status`.",
    ),
    "CONFLICT": Explanation(
        "Something of this name is there already, or something still needs what was to go.",
        "Choose another name, or change what is there.",
    ),
    "FORBIDDEN": Explanation(
        "The key lacks a scope, which the error names.",
        "`headgate whoami` shows whom it speaks for; ask an owner for a role: "
        "`headgate members bind`.",
    ),
    "IDEMPOTENCY_MISMATCH": Explanation(
        "The idempotency key was used before, for another input.",
        "Use a fresh key for another request.",
    ),
    "ILLEGAL_TRANSITION": Explanation(
        "The run cannot go from the state it is in to the one that was asked for.",
        "`headgate flow-runs get RUN` shows its state; a run that has ended is started again "
        "with `headgate flow-runs retry RUN`.",
    ),
    "INTERNAL": Explanation(
        "The server failed; what it says is no more than an error id.",
        "Its log holds the cause under that id.",
    ),
    "INVALID": Explanation(
        "An input is not valid; the error names the field where it can.",
        "Correct it and send it again; `headgate NOUN VERB --help` says what is taken.",
    ),
    "LEASE_LOST": Explanation(
        "The run was taken from this process: another attempt may have it, or it has ended.",
        "Nothing; the process stops it. Frequent ones say that agents are not heard: look at "
        "their network and clocks.",
    ),
    "LIMIT_EXCEEDED": Explanation(
        "A limit was reached: of a request's size, or of how many there may be.",
        "Send less; `headgate concurrency-limits list` and `headgate quotas list` show limits.",
    ),
    "NOT_FOUND": Explanation(
        "There is no such object in this workspace, or the key may not see it.",
        "Look at the name, and with `headgate whoami` at the workspace.",
    ),
    "OLD_GENERATION": Explanation(
        "The server's database was restored since the token was issued.",
        "Nothing; agents register again, and runs of before end.",
    ),
    "QUOTA_EXCEEDED": Explanation(
        "The organization has used up one of its quotas, which the error names.",
        "`headgate quotas list` shows when it starts anew; operators of the installation raise it.",
    ),
    "RATE_LIMITED": Explanation(
        "Too much was asked in too short a time.",
        "Wait as long as the error says; the client does so by itself.",
    ),
    "SESSION_FENCED": Explanation(
        "Another process registered as this agent, or the session was ended.",
        "Give every agent a name of its own: `headgate agent start --pool POOL --name NAME`.",
    ),
    "SUSPENDED": Explanation(
        "The operators of the installation have suspended the organization.",
        "Ask them; the error says why.",
    ),
    "UNAUTHENTICATED": Explanation(
        "The key is missing, unknown, expired or revoked.",
        "`headgate login`, or check HEADGATE_API_KEY.",
    ),
    "UNAVAILABLE": Explanation(
        "The server cannot be reached, or its database cannot.",
        "Check HEADGATE_API_URL and the network; the same call may succeed in a moment.",
    ),
    "VERSION_CONFLICT": Explanation(
        "Somebody changed the object since it was read.",
        "Read it again, and repeat the change.",
    ),
}
BLOCKERS = {
    "BEING_STARTED": Explanation(
        "An agent has the run and is starting it.",
        "Wait; its agent's log says what takes long.",
    ),
    "COLLISION": Explanation(
        "The run was cancelled as it was made: its deployment runs as many at once as it may.",
        "`headgate flow-runs retry RUN` runs it all the same.",
    ),
    "DEPLOYMENT_LIMIT": Explanation(
        "The deployment runs as many at once as it may.",
        "Wait for one to end, or raise its concurrency limit.",
    ),
    "DEPLOYMENT_PAUSED": Explanation(
        "The deployment is paused: its schedules and its waiting runs stand.",
        "`headgate deployments resume DEPLOYMENT`",
    ),
    "GLOBAL_LIMIT": Explanation(
        "The run's code waits for slots of a concurrency limit.",
        "`headgate concurrency-limits inspect LIMIT` shows who holds them.",
    ),
    "NO_AGENT": Explanation(
        "No agent of the pool is online that serves the run's queue.",
        "`headgate agent start --pool POOL`",
    ),
    "NO_POOL": Explanation(
        "The deployment names no work pool, so no agent runs it.",
        "Deploy it with one: `headgate deploy … --pool POOL`.",
    ),
    "NO_WORKER": Explanation(
        "No worker is online that serves the task.",
        "`headgate task serve path/file.py:TASK`",
    ),
    "NO_ROOM": Explanation(
        "The pool's agents hold as many runs as they take.",
        "Wait, or start another agent: `headgate agent start --pool POOL`.",
    ),
    "OFFER_BOUNCING": Explanation(
        "Agents were offered the run and declined it.",
        "Their logs say why.",
    ),
    "ORGANIZATION_SUSPENDED": Explanation(
        "The operators of the installation have suspended the organization.",
        "Ask them.",
    ),
    "PARAMETERS_REFUSED": Explanation(
        "The deployment's schema refuses the parameters of the schedule: it makes no runs.",
        "`headgate schedules update DEPLOYMENT SCHEDULE --param NAME=VALUE`",
    ),
    "PAUSED": Explanation(
        "The run waits for an answer.",
        "`headgate flow-runs pending` shows to what; `headgate flow-runs resume RUN` answers.",
    ),
    "POOL_LIMIT": Explanation(
        "The work pool lets no more runs at once.",
        "Wait for one to end, or raise its limit: `headgate work-pools update`.",
    ),
    "POOL_PAUSED": Explanation(
        "The work pool is paused: nothing is offered from it.",
        "`headgate work-pools resume POOL`",
    ),
    "QUEUE_LIMIT": Explanation(
        "The work queue lets no more runs at once.",
        "Wait for one to end, or raise its limit.",
    ),
    "QUEUE_PAUSED": Explanation(
        "The work queue is paused: nothing is offered from it.",
        "`headgate explain RUN --do` resumes it.",
    ),
    "QUOTA": Explanation(
        "The organization has used up one of its quotas.",
        "`headgate quotas list` shows when it starts anew.",
    ),
    "RETRY_DELAY": Explanation(
        "The run failed, and waits before its next attempt.",
        "Wait; `headgate explain RUN --do` starts it now where that can be.",
    ),
    "SCHEDULE_PAUSED": Explanation(
        "The schedule is paused, and makes no runs.",
        "`headgate schedules resume DEPLOYMENT SCHEDULE`",
    ),
    "START_TIME_AHEAD": Explanation(
        "The run is due later.",
        "Wait; `headgate explain RUN --do` starts it now.",
    ),
    "TAG_LIMIT": Explanation(
        "A task of the run waits for slots of a limit on one of its tags.",
        "`headgate concurrency-limits list` shows which tags are limited.",
    ),
    "WAITS_FOR_TURN": Explanation(
        "Runs that came before, or have a higher priority, are served first.",
        "Wait.",
    ),
    "WORKSPACE_ARCHIVED": Explanation(
        "The workspace is archived: nothing starts in it.",
        "`headgate workspaces unarchive WORKSPACE`",
    ),
}
EXITS = {
    "0": Explanation("The command did what it was asked.", "Nothing."),
    "1": Explanation("It failed; the error says why.", "Read it, or add --debug."),
    "2": Explanation("It was used wrongly.", "`headgate NOUN VERB --help`"),
    "3": Explanation("The key is not good, or not good for this.", "`headgate whoami`"),
    "4": Explanation("There is no such thing.", "`headgate NOUN list` shows what there is."),
    "5": Explanation("It is there already, or not in a state for this.", "Look at what is there."),
    "6": Explanation("The server did not answer.", "Check HEADGATE_API_URL and the network."),
    "7": Explanation("The run did not complete.", "`headgate flow-runs logs RUN`"),
    "130": Explanation("Somebody interrupted it.", "Nothing."),
}


def find_explanation(text: str) -> Explanation | None:
    """Return what a code means, in capitals or not; None where it is none."""
    code = text.upper().replace("-", "_")
    return ERRORS.get(code) or BLOCKERS.get(code) or EXITS.get(code)
