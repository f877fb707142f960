"""The rules by which blockers are found, each a function of a run's standing; nearest first."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from headgate_server.domain import blocker_actions as actions
from headgate_server.domain.blockers import Blocker, BlockerCode, SlotWait, Standing
from headgate_server.domain.ids import Kind, parse
from headgate_server.domain.quotas import Quota, QuotaKind

COUNT_CAP = 10_000
Rule = Callable[[Standing], "list[Blocker]"]


def find_blockers(standing: Standing) -> list[Blocker]:
    """Return every cause that holds a run up, the nearest first; none where nothing does."""
    return [blocker for rule in RULES for blocker in rule(standing)]


def collision(standing: Standing) -> list[Blocker]:
    """A run was cancelled as it was made, for those that were there already."""
    found = standing.of("collision")
    if not found:
        return []
    run_id = standing.of("run_id")
    return [
        Blocker(
            BlockerCode.COLLISION,
            "The run was cancelled as it was due: its deployment runs "
            f"{found['limit']:,} at once, and {found['policy']} is what follows then.",
            since=standing.of("state_timestamp"),
            holders=tuple(parse(shown, kind=Kind.FLOW_RUN) for shown in found["runs"]),
            action=actions.retry(run_id),
        )
    ]


def paused(standing: Standing) -> list[Blocker]:
    """A run is paused until somebody answers who may; resumed, it needs its place again."""
    if standing.of("state_type") != "PAUSED":
        return []
    since = standing.of("state_timestamp")
    if standing.is_placeless:
        message = (
            f"The run is {standing.of('state_name')}, and its deployment, work pool or queue is "
            "gone: no agent can run it again. Cancel it, and run the flow anew."
        )
        action = actions.cancel(standing.of("run_id"))
        return [Blocker(BlockerCode.NO_POOL, message, since=since, action=action)]
    takes_input = bool(standing.of("takes_input"))
    verb = "answers what it asks for" if takes_input else "resumes it"
    who, limits = "somebody", ""
    if standing.approvers is not None:
        who = standing.approvers.words() or who
        if standing.approvers.is_four_eyes:
            limits = " Whoever started it may not."
    message = f"The run is {standing.of('state_name')} until {who} {verb}.{limits}"
    action = None
    if standing.may_answer:
        asked = standing.of("pause_key"), standing.of("paused_at")
        action = actions.resume(standing.of("run_id"), takes_input=takes_input, asked=asked)
    return [Blocker(BlockerCode.PAUSED, message, since=since, action=action)]


def slots(standing: Standing) -> list[Blocker]:
    """Code or a task of the run waits for slots of a concurrency limit."""
    return [_slot(standing, wait) for wait in standing.waits]


def _slot(standing: Standing, wait: SlotWait) -> Blocker:
    is_tag = wait.task_tag is not None
    where = f"the tag {wait.task_tag!r}" if is_tag else "its code"
    pace = wait.slot_decay_per_second
    needed = wait.taken + wait.ahead + wait.slots
    return Blocker(
        BlockerCode.TAG_LIMIT if is_tag else BlockerCode.GLOBAL_LIMIT,
        f"Of the concurrency limit {wait.name}, which {where} needs, {wait.taken:,} of "
        f"{wait.limit:,} slots are taken.",
        since=wait.since,
        holders=tuple(standing.holders.get(f"SLOTS {wait.id}", ())),
        held_tasks=tuple(standing.holders.get(f"TASKS {wait.id}", ())),
        queue_position=wait.ahead,
        expected_start=wait.free_at if pace or wait.free_at else None,
        action=actions.raise_limit(standing.of("workspace_id"), name=wait.name, limit=needed),
    )


def delay(standing: Standing) -> list[Blocker]:
    """The run is due later: as it was planned, after a failure, or after it was declined."""
    due_at: datetime | None = standing.of("due_at")
    run_id: UUID | None = standing.of("run_id")
    if run_id is None or due_at is None:
        return []
    if standing.of("state_name") == "AwaitingRetry" and standing.of("phase") == "RUNNING":
        message = "The run failed, and its own process waits before the next attempt."
        since = standing.of("state_timestamp")
        return [Blocker(BlockerCode.RETRY_DELAY, message, since=since)]
    if not standing.is_waiting or due_at <= standing.now:
        return []
    at = f"{due_at:%Y-%m-%dT%H:%M:%SZ}"
    if standing.of("declines"):
        code = BlockerCode.OFFER_BOUNCING
        message = (
            f"Agents declined the run {standing.of('declines'):,} times; it is offered again at "
            f"{at}. Their logs say why."
        )
    elif standing.of("state_name") == "AwaitingRetry":
        code = BlockerCode.RETRY_DELAY
        message = f"The run starts again at {at}, after what went wrong before."
    else:
        code, message = BlockerCode.START_TIME_AHEAD, f"The run is due at {at}."
    action = actions.start_now(run_id)
    return [Blocker(code, message, expected_start=due_at, action=action)]


def schedule_paused(standing: Standing) -> list[Blocker]:
    """A paused schedule makes no runs."""
    found = standing.schedule
    if found is None or found.is_active:
        return []
    message = f"The schedule {found.slug} is paused and makes no runs."
    action = actions.resume_schedule(found)
    return [Blocker(BlockerCode.SCHEDULE_PAUSED, message, since=found.updated_at, action=action)]


def parameters_refused(standing: Standing) -> list[Blocker]:
    """Each run of a schedule is refused: its parameters do not fit the deployment's schema."""
    found = standing.schedule
    if found is None or standing.refusal is None:
        return []
    name = f"{standing.of('flow_name')}/{standing.of('deployment_name')}"
    message = f"The deployment refuses the parameters of the schedule {found.slug}: "
    action = actions.change_schedule(name, slug=found.slug)
    code = BlockerCode.PARAMETERS_REFUSED
    return [Blocker(code, message + standing.refusal, action=action)]


def deployment_paused(standing: Standing) -> list[Blocker]:
    """A paused deployment holds back what waits."""
    if not standing.is_waiting or not standing.of("is_deployment_paused"):
        return []
    return [
        Blocker(
            BlockerCode.DEPLOYMENT_PAUSED,
            f"The deployment {standing.of('deployment_name')} is paused.",
            since=standing.of("deployment_updated_at"),
            action=actions.resume_deployment(standing.of("deployment_id")),
        )
    ]


def deployment_limit(standing: Standing) -> list[Blocker]:
    """A deployment runs as many at once as it may."""
    limit, held = standing.of("deployment_limit"), standing.of("in_deployment")
    if not standing.is_waiting or limit is None or held < limit:
        return []
    ahead = standing.of("ahead_in_deployment")
    return [
        Blocker(
            BlockerCode.DEPLOYMENT_LIMIT,
            f"The deployment {standing.of('deployment_name')} runs {limit:,} at once, and "
            f"{held:,} are there.",
            holders=tuple(standing.holders.get("DEPLOYMENT", ())),
            queue_position=ahead,
            expected_start=standing.likely(room=limit, ahead=ahead),
            action=actions.raise_deployment_limit(
                standing.of("workspace_id"),
                flow_name=standing.of("flow_name"),
                name=standing.of("deployment_name"),
                limit=held + ahead + 1,
            ),
        )
    ]


def queue(standing: Standing) -> list[Blocker]:
    """A queue is paused, or has as many in hand as it may."""
    if not standing.is_waiting or standing.of("queue_name") is None:
        return []
    pool_id, name = standing.of("work_pool_id"), standing.of("queue_name")
    limit, held = standing.of("queue_limit"), standing.of("in_queue")
    found: list[Blocker] = []
    if standing.of("is_queue_paused"):
        action = actions.change_queue(pool_id, name=name, label="Resume the queue", paused=False)
        message, since = f"The work queue {name} is paused.", standing.of("queue_updated_at")
        found.append(Blocker(BlockerCode.QUEUE_PAUSED, message, since=since, action=action))
    if limit is not None and held >= limit:
        ahead = standing.of("ahead_in_queue")
        needed = held + ahead + 1
        label = f"Let {needed:,} run at once"
        found.append(
            Blocker(
                BlockerCode.QUEUE_LIMIT,
                f"The work queue {name} lets {limit:,} run at once, and {held:,} are there.",
                holders=tuple(standing.holders.get("QUEUE", ())),
                queue_position=ahead,
                expected_start=standing.likely(room=limit, ahead=ahead),
                action=actions.change_queue(
                    pool_id, name=name, label=label, concurrencyLimit=needed
                ),
            )
        )
    return found


def pool(standing: Standing) -> list[Blocker]:
    """A pool is paused, or has as many in hand as it may; or there is none."""
    if not standing.is_waiting:
        return []
    name = standing.of("pool_name")
    if name is None:
        message = "The deployment names no work pool, so no agent runs it; deploy it with one."
        return [Blocker(BlockerCode.NO_POOL, message)]
    where = {"name": name, "type_": standing.of("pool_type")}
    workspace_id = standing.of("workspace_id")
    limit, held = standing.of("pool_limit"), standing.of("in_pool")
    found: list[Blocker] = []
    if standing.of("is_pool_paused"):
        action = actions.change_pool(workspace_id, **where, label="Resume the pool", paused=False)
        message, since = f"The work pool {name} is paused.", standing.of("pool_updated_at")
        found.append(Blocker(BlockerCode.POOL_PAUSED, message, since=since, action=action))
    if limit is not None and held >= limit:
        ahead = standing.of("ahead_in_pool")
        needed = held + ahead + 1
        label = f"Let {needed:,} run at once"
        found.append(
            Blocker(
                BlockerCode.POOL_LIMIT,
                f"The work pool {name} lets {limit:,} run at once, and {held:,} are there.",
                holders=tuple(standing.holders.get("POOL", ())),
                queue_position=ahead,
                expected_start=standing.likely(room=limit, ahead=ahead),
                action=actions.change_pool(
                    workspace_id, **where, label=label, concurrencyLimit=needed
                ),
            )
        )
    return found


def agents(standing: Standing) -> list[Blocker]:
    """No agent is there, or those that are have no room."""
    if not standing.is_waiting or standing.of("pool_name") is None:
        return []
    name = standing.of("pool_name")
    action = actions.start_agent(name)
    capacity, held = standing.of("capacity"), standing.of("in_sessions")
    if standing.of("online") == 0:
        resting = standing.of("paused")
        also = f" {resting:,} are connected and take nothing." if resting else ""
        message = f"No agent of the pool {name} is online that serves this queue.{also}"
        return [Blocker(BlockerCode.NO_AGENT, message, action=action)]
    if held < capacity:
        return []
    ahead = standing.of("ahead_in_pool")
    return [
        Blocker(
            BlockerCode.NO_ROOM,
            f"The agents of the pool {name} have room for {capacity:,} runs and hold as many.",
            holders=tuple(standing.holders.get("POOL", ())),
            queue_position=ahead,
            expected_start=standing.likely(room=int(capacity), ahead=ahead),
            action=action,
        )
    ]


def quota(standing: Standing) -> list[Blocker]:
    """The organization has used up what it may.

    That is of runs at once, which wait, or of runs to make and what is stored: none is made.
    """
    return [_quota(standing, spent) for spent in standing.quotas]


def _quota(standing: Standing, spent: Quota) -> Blocker:
    # A place that is free goes to any pool of the organization's that looks first.
    ahead = standing.of("ahead_in_pool") + standing.of("ahead_elsewhere")
    needed = spent.used + ahead + 1
    if spent.kind is QuotaKind.RUNS_AT_ONCE:
        what = f"has {spent.limit:,} runs at once with its agents, and {spent.used:,} are there"
    elif spent.resets_at is None:
        what = f"may store {spent.limit:,} bytes, stores {spent.used:,}, and so makes no runs"
        needed = spent.used + spent.used // 10 + 1
    else:
        until = f"{spent.resets_at:%Y-%m-%dT%H:%MZ}"
        what = f"makes {spent.limit:,} runs until {until}, and has made {spent.used:,}"
    return Blocker(
        BlockerCode.QUOTA,
        f"The organization {what}: that is its quota {spent.kind.value}. An operator of the "
        "installation may raise it.",
        holders=tuple(standing.holders.get("WORKSPACE", ())),
        expected_start=spent.resets_at,
        action=actions.raise_quota(
            standing.of("organization_id"), kind=spent.kind.value, limit=needed
        ),
    )


def workspace(standing: Standing) -> list[Blocker]:
    """Nothing starts in an archived workspace, or a suspended organization.

    Nor can anything be done there about what else holds a run up: so it comes first.
    """
    if not standing.is_waiting or not standing.of("is_stopped"):
        return []
    suspended_at, archived_at = standing.of("suspended_at"), standing.of("archived_at")
    found: list[Blocker] = []
    if suspended_at is not None:
        action = actions.resume_organization(standing.of("organization_id"))
        message = f"The organization is suspended: {standing.of('suspended_because')}"
        code = BlockerCode.ORGANIZATION_SUSPENDED
        found.append(Blocker(code, message, since=suspended_at, action=action))
    if archived_at is not None:
        action = actions.open_workspace(standing.of("workspace_id"))
        message = "The workspace is archived, and nothing starts in it."
        found.append(
            Blocker(BlockerCode.WORKSPACE_ARCHIVED, message, since=archived_at, action=action)
        )
    return found


def being_started(standing: Standing) -> list[Blocker]:
    """An agent has the run in hand, and its code has not begun: code that waits for slots has."""
    phase = standing.of("phase")
    if phase not in {"OFFERED", "CLAIMED"} or standing.waits:
        return []
    verb = "is offered the run" if phase == "OFFERED" else "has taken the run and starts it"
    message = f"The agent {standing.of('agent_name') or 'of its own process'} {verb}."
    since = standing.of("offered_at")
    return [Blocker(BlockerCode.BEING_STARTED, message, since=since)]


RULES: tuple[Rule, ...] = (
    workspace,
    collision,
    paused,
    slots,
    being_started,
    delay,
    schedule_paused,
    parameters_refused,
    deployment_paused,
    deployment_limit,
    queue,
    pool,
    agents,
    quota,
)
