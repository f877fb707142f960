"""The command tree: every noun and verb, where it lives, and one line about it.

Plain data, so that ``headgate --help`` is answered without importing a parser.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verb:
    """One command; ``target`` is imported when it is called."""

    name: str
    target: str
    summary: str


@dataclass(frozen=True, slots=True)
class Noun:
    """A group of commands about one kind of thing."""

    name: str
    summary: str
    verbs: tuple[Verb, ...]


def _verbs(module: str, *verbs: tuple[str, str, str]) -> tuple[Verb, ...]:
    return tuple(
        Verb(name, f"headgate.cli.{module}:{function}", summary)
        for name, function, summary in verbs
    )


VERBS = (
    Verb("login", "headgate.cli.logins:login", "Log in through the browser, or with a key"),
    Verb("logout", "headgate.cli.logins:logout", "Revoke the key of this login, and forget it"),
    Verb("whoami", "headgate.cli.logins:whoami", "Show whom the key speaks for, and where"),
    Verb("run", "headgate.cli.run:run", "Run a flow in this process"),
    Verb("repro", "headgate.cli.repro:repro", "Do a failed run once more here, in the debugger"),
    Verb("init", "headgate.cli.init:init", "Write headgate.yaml for the flows of this folder"),
    Verb("check", "headgate.cli.check:check", "Say what is wrong with flows and headgate.yaml"),
    Verb("deploy", "headgate.cli.deploy:deploy", "Make a flow a deployment that agents run"),
    Verb("status", "headgate.cli.status:status", "Show the server, who you are, agents online"),
    Verb("top", "headgate.cli.top:top", "Show pools, agents and live runs as they are now"),
    Verb("explain", "headgate.cli.explain:explain", "Say why a run waits, or what a code means"),
    Verb("doctor", "headgate.cli.doctor:doctor", "Look at settings, server, key and agents"),
    Verb("open", "headgate.cli.open_page:open_page", "Open the page of something in the browser"),
    Verb("apply", "headgate.cli.configuration.verbs:apply", "Make the workspace what files say"),
    Verb("export", "headgate.cli.configuration.verbs:export", "Write the workspace as such files"),
    Verb("api", "headgate.cli.api:api", "Send a GraphQL document, and print its data"),
    Verb("schema", "headgate.cli.schema:schema", "Print the schema of the GraphQL API"),
    Verb("completion", "headgate.cli.completion:completion", "Print a shell's completion script"),
    Verb("names", "headgate.cli.completion:names", "Print names of a noun, as completion asks"),
)

NOUNS = (
    Noun("flows", "Flows that have run or were deployed", _verbs(
        "flows",
        ("list", "list_flows", "List flows by name"),
        ("get", "show_flow", "Show a flow and how its runs ended"),
    ) + _verbs("deletions", ("delete", "delete_flow", "Delete a flow with all its runs"))),
    Noun("deployments", "Flows with a pool, parameters and schedules", _verbs(
        "deployments",
        ("list", "list_deployments", "List deployments by name"),
        ("get", "get_deployment", "Show one deployment"),
        ("run", "run_deployment", "Create a run of a deployment"),
        ("pause", "pause_deployment", "Hold a deployment's runs and schedules"),
        ("resume", "resume_deployment", "Let a deployment's runs and schedules go on"),
    ) + _verbs(
        "deployment_versions",
        ("versions", "list_versions", "List what a deployment has been"),
        ("diff", "show_changes", "Show where two versions differ"),
        ("promote", "promote_version", "Make a version the current one"),
        ("rollback", "roll_back", "Go back to what the current version replaced"),
    ) + _verbs("deletions", ("delete", "delete_deployment", "Delete a deployment"))),
    Noun("schedules", "When deployments run by themselves", _verbs(
        "schedules",
        ("list", "list_schedules", "List the schedules of deployments"),
        ("create", "create_schedule", "Give a deployment a schedule"),
        ("update", "update_schedule", "Change when a schedule fires"),
        ("preview", "preview_schedule", "Show when a schedule fires next"),
        ("pause", "pause_schedule", "Stop a schedule"),
        ("resume", "resume_schedule", "Let a schedule go on"),
        ("delete", "delete_schedule", "Delete a schedule"),
    )),
    Noun("flow-runs", "Executions of flows", _verbs(
        "flow_runs",
        ("list", "list_flow_runs", "List runs, latest first"),
        ("get", "get_flow_run", "Show one run"),
        ("watch", "watch_flow_run", "Follow a run live until it ends"),
        ("cancel", "cancel_flow_run", "Ask a run to stop"),
        ("retry", "retry_flow_run", "Start a finished run again"),
        ("rerun", "rerun_flow_run", "Create another run like it"),
    ) + _verbs(
        "run_states", ("set-state", "set_flow_run_state", "End a run by hand, or correct its end"),
    ) + _verbs(
        "run_logs", ("logs", "show_logs", "Print a run's log"),
    ) + _verbs(
        "run_graphs", ("graph", "show_graph", "Show a run's tasks below what they took"),
    ) + _verbs(
        "run_differences", ("diff", "diff_runs", "Show where two runs differ"),
    ) + _verbs(
        "blockers", ("why", "why_not_running", "Say why a run is not running"),
    ) + _verbs(
        "pauses",
        ("pending", "list_waiting", "List what runs wait for an answer to"),
        ("pause", "pause_flow_run", "Ask a run to pause before its next task"),
        ("suspend", "suspend_flow_run", "Ask a run to leave its process, and wait"),
        ("resume", "resume_flow_run", "Answer a run that is paused or suspended"),
    ) + _verbs("deletions", ("delete", "delete_flow_run", "Delete a run that has ended"))),
    Noun("task-runs", "Executions of tasks", _verbs(
        "task_runs",
        ("list", "list_task_runs", "List the task runs of a flow run"),
        ("get", "show_task_run", "Show a task run with its states"),
        ("logs", "show_logs", "Print what a task run logged"),
    )),
    Noun("backfills", "Runs for a range or for sets of parameters", _verbs(
        "backfills",
        ("list", "list_backfills", "List backfills, the newest first"),
        ("get", "get_backfill", "Show one backfill"),
        ("create", "create_backfill", "Run a deployment for a range, or for sets"),
        ("items", "list_items", "Show what became of each item"),
        ("pause", "pause_backfill", "Let a backfill make no more runs for now"),
        ("resume", "resume_backfill", "Let a paused backfill go on"),
        ("cancel", "cancel_backfill", "End a backfill"),
        ("retry", "retry_backfill", "Run items again that have no completed run"),
    )),
    Noun("failure-groups", "Runs that failed alike", _verbs(
        "failure_groups",
        ("list", "list_failure_groups", "List failure groups, the one seen last first"),
        ("get", "get_failure_group", "Show one failure group"),
        ("mute", "mute_failure_group", "Let a group be, also when it is seen again"),
        ("resolve", "resolve_failure_group", "Call a group done: it says so if it comes back"),
        ("open", "open_failure_group", "Undo both"),
        ("retry", "retry_failure_group", "Start the runs of a group again"),
    )),
    Noun("sla-rules", "What runs are promised to do, and when that was broken", _verbs(
        "sla_rules",
        ("list", "list_sla_rules", "List SLA rules by name"),
        ("create", "create_sla_rule", "Promise something about a deployment's runs"),
        ("update", "update_sla_rule", "Change an SLA rule, or switch it off"),
        ("delete", "delete_sla_rule", "Delete an SLA rule with its violations"),
        ("violations", "list_violations", "List when SLA rules were broken"),
    )),
    Noun("events", "What happened in the workspace", _verbs(
        "events",
        ("list", "list_events", "List events, latest first"),
        ("watch", "watch_events", "Follow events as they happen"),
        ("emit", "send_event", "Tell a fact"),
    )),
    Noun("artifacts", "What runs leave for people to look at", _verbs(
        "artifacts",
        ("list", "list_artifacts", "List artifacts, the latest of each key"),
        ("inspect", "inspect_artifact", "Show an artifact with its data"),
        ("delete", "delete_artifact", "Delete an artifact"),
    )),
    Noun("assets", "Data that runs produce, and what they are made from", _verbs(
        "assets",
        ("list", "list_assets", "List assets by key"),
        ("inspect", "inspect_asset", "Show an asset with its lineage"),
        ("delete", "delete_asset", "Delete an asset with its history"),
    )),
    Noun("work-pools", "Where runs wait for agents", _verbs(
        "work_pools",
        ("list", "list_work_pools", "List pools by name"),
        ("get", "get_work_pool", "Show one pool"),
        ("create", "create_work_pool", "Create a pool"),
        ("update", "update_work_pool", "Change a pool's limit or template"),
        ("pause", "pause_work_pool", "Let a pool's agents take no more runs"),
        ("resume", "resume_work_pool", "Let a pool's agents take runs again"),
    ) + _verbs("deletions", ("delete", "delete_work_pool", "Delete a pool that nothing needs"))),
    Noun("work-queues", "Lines in a pool, each with a priority", _verbs(
        "work_queues",
        ("list", "list_work_queues", "List the queues of a pool"),
        ("set", "set_work_queue", "Make a queue, or change it"),
        ("pause", "pause_work_queue", "Let agents take nothing of a queue"),
        ("resume", "resume_work_queue", "Let agents take its runs again"),
        ("delete", "delete_work_queue", "Delete a queue that nothing needs"),
    )),
    Noun("concurrency-limits", "How many may do something at once", _verbs(
        "concurrency_limits",
        ("list", "list_limits", "List limits by name"),
        ("create", "create_limit", "Create a limit"),
        ("update", "update_limit", "Change a limit"),
        ("inspect", "inspect_limit", "Show a limit and who holds its slots"),
        ("delete", "delete_limit", "Delete a limit"),
    )),
    Noun("variables", "Small values that a workspace keeps by name", _verbs(
        "variables",
        ("list", "list_variables", "List variables by name"),
        ("get", "get_variable", "Print a variable's value"),
        ("set", "set_variable", "Set a variable"),
        ("history", "list_history", "List what a variable was set to"),
        ("delete", "delete_variable", "Delete a variable"),
    )),
    Noun("blocks", "Configuration with secrets, by type and name", _verbs(
        "blocks",
        ("list", "list_blocks", "List blocks by name"),
        ("types", "list_block_types", "List block types"),
        ("inspect", "inspect_block", "Show a block, its secrets masked"),
        ("create", "create_block", "Fill in a block"),
        ("register", "register_blocks", "Register the block types of a module or a file"),
        ("delete", "delete_block", "Delete a block with its secrets"),
    )),
    Noun("members", "The people of the organization", _verbs(
        "members",
        ("list", "list_members", "List members, who joined first first"),
        ("get", "show_member", "Show a member and their roles"),
        ("invite", "invite_member", "Invite somebody"),
        ("remove", "remove_member", "Remove a member with their keys"),
        ("bind", "bind_role", "Give a member a role"),
        ("unbind", "unbind_role", "Take a role away from a member"),
    )),
    Noun("invitations", "People who were asked to join", _verbs(
        "members",
        ("list", "list_invitations", "List invitations nobody has accepted"),
        ("revoke", "revoke_invitation", "Void the link of an invitation"),
    )),
    Noun("teams", "Members who hold roles together", _verbs(
        "teams",
        ("list", "list_teams", "List teams by name"),
        ("get", "show_team", "Show a team, its members and roles"),
        ("create", "create_team", "Create a team"),
        ("rename", "rename_team", "Give a team another name"),
        ("delete", "delete_team", "Delete a team"),
        ("add", "add_member", "Put a member into a team"),
        ("remove", "remove_member", "Take a member out of a team"),
        ("bind", "bind_role", "Give a team a role"),
        ("unbind", "unbind_role", "Take a role away from a team"),
    )),
    Noun("roles", "What members, teams and machines may do", _verbs(
        "roles",
        ("list", "list_roles", "List roles, the built-in ones first"),
        ("get", "show_role", "Show a role with its scopes"),
        ("set", "set_role", "Make a role, or change what it gives"),
        ("delete", "delete_role", "Delete a role"),
    )),
    Noun("service-accounts", "Machines that keys speak for", _verbs(
        "service_accounts",
        ("list", "list_service_accounts", "List machines, the oldest first"),
        ("get", "show_service_account", "Show a machine and its roles"),
        ("create", "create_service_account", "Create a machine"),
        ("delete", "delete_service_account", "Delete a machine, revoke its keys"),
        ("bind", "bind_role", "Give a machine a role"),
        ("unbind", "unbind_role", "Take a role away from a machine"),
    )),
    Noun("audit-entries", "Who changed what", _verbs(
        "audit_entries",
        ("list", "list_audit_entries", "List changes, the latest first"),
        ("export", "export_audit_entries", "Print all that fit as lines of JSON"),
    )),
    Noun("quotas", "What the organization may use, and used", _verbs(
        "quotas",
        ("list", "list_quotas", "List quotas and how full they are"),
        ("usage", "list_usage", "List what was used day by day"),
    )),
    Noun("api-keys", "What programs and agents show to be let in", _verbs(
        "api_keys",
        ("list", "list_api_keys", "List the organization's keys"),
        ("create", "create_api_key", "Create a key, also for the agents of one pool"),
        ("rotate", "rotate_api_key", "Give a key a new token"),
        ("revoke", "revoke_api_key", "Revoke a key"),
    )),
    Noun("agent", "The process that executes runs", _verbs(
        "agents",
        ("start", "start_agent", "Serve a pool until stopped"),
    ) + _verbs(
        "agent_lists",
        ("list", "list_agents", "List the agents of pools"),
        ("drain", "drain_agent", "Let an agent take no more, and end with its last run"),
    )),
    Noun("task", "Calls of tasks that wait in the background", _verbs(
        "background_tasks",
        ("serve", "serve_tasks", "Run queued calls of tasks until stopped"),
    )),
    Noun("background-tasks", "Calls of tasks that were queued, and what became of them", _verbs(
        "background_tasks",
        ("list", "list_tasks", "List queued calls, the last first"),
        ("inspect", "inspect_task", "Show a call with what came of it"),
        ("logs", "show_logs", "Print what a call logged"),
        ("cancel", "cancel_task", "Cancel a call"),
        ("retry", "retry_task", "Queue a call again that is over"),
    ) + _verbs("blockers", ("why", "why_task_waits", "Say why a call is not running"))),
    Noun("views", "What people keep of the pages' filters", _verbs(
        "saved_views",
        ("list", "list_views", "List saved views by name"),
        ("show", "show_view", "Show a saved view"),
        ("delete", "delete_view", "Delete a saved view"),
    )),
    Noun("workspaces", "Where flows, runs and pools live", _verbs(
        "workspaces",
        ("list", "list_workspaces", "List the workspaces that you may enter"),
        ("use", "use_workspace", "Make a workspace the active one"),
        ("create", "create_workspace", "Create a workspace"),
        ("archive", "archive_workspace", "Let nothing start in a workspace"),
        ("unarchive", "unarchive_workspace", "Open an archived workspace again"),
        ("delete", "delete_workspace", "Delete an archived workspace with all in it"),
    )),
    Noun("profiles", "Named settings: which server, which key", _verbs(
        "profiles",
        ("list", "list_profiles", "List profiles"),
        ("create", "create_profile", "Create a profile"),
        ("use", "use_profile", "Make a profile the active one"),
        ("inspect", "inspect_profile", "Show one profile"),
        ("set", "set_values", "Change values of a profile"),
        ("delete", "delete_profile", "Delete a profile"),
    )),
)  # fmt: skip

EPILOGUE = """\
Everywhere:
  --profile NAME  use this profile instead of the active one
  --workspace ORGANIZATION/WORKSPACE, before the noun: use this one instead
  --debug         show the traceback of an error
  -h, --help      describe a command; --version shows the version

Exit codes: 0 ok, 1 failure, 2 usage, 3 not allowed, 4 not found, 5 conflict, 6 no server, \
7 run failed.
"""


def help_text() -> str:
    """Return what ``headgate --help`` prints."""
    lines = ["Usage: headgate COMMAND …", "", "Write flows in Python, run them anywhere.", ""]
    lines += [f"  {verb.name:<18} {verb.summary}" for verb in VERBS]
    for noun in NOUNS:
        lines += ["", f"  {noun.name:<18} {noun.summary}"]
        lines += [f"    {verb.name:<12} {verb.summary}" for verb in noun.verbs]
    return "\n".join([*lines, "", EPILOGUE])


def noun_help_text(noun: Noun) -> str:
    """Return what ``headgate NOUN --help`` prints."""
    lines = [f"Usage: headgate {noun.name} COMMAND …", "", f"{noun.summary}.", ""]
    lines += [f"  {verb.name:<12} {verb.summary}" for verb in noun.verbs]
    return "\n".join([*lines, "", f"`headgate {noun.name} COMMAND --help` describes one.", ""])


def find_noun(name: str) -> Noun | None:
    """Return the noun of this name; None when there is none."""
    return next((noun for noun in NOUNS if noun.name == name), None)
