"""``headgate completion``: a script that completes nouns, verbs, options and names in a shell."""

import contextlib
import sys
from collections.abc import Callable
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from headgate.api import (
    blocks,
    concurrency_limits,
    deployments,
    flow_runs,
    flows,
    members,
    roles,
    service_accounts,
    sla_rules,
    teams,
    variables,
    work_pools,
)
from headgate.api.calls import Page
from headgate.api.roles import RoleAnswer
from headgate.api.transport import Transport
from headgate.cli import parsing, tree
from headgate.cli.connection import Server, connect
from headgate.cli.names import full_name
from headgate.errors import HeadgateError

Shell = Literal["bash", "zsh", "fish"]

NAMES_AT_ONCE = 100


async def _page_of_roles(
    transport: Transport, *, organization: str, workspace: str, first: int, after: str | None
) -> Page[RoleAnswer]:
    """Return all roles, which the API does not page."""
    del workspace, first, after
    return Page(items=await roles.list_roles(transport, organization=organization))


_SOURCES: dict[str, tuple[Any, Callable[[Any], str]]] = {
    "blocks": (blocks.list_blocks, lambda block: block.reference),
    "concurrency-limits": (concurrency_limits.list_limits, lambda limit: limit.name),
    "deployments": (deployments.list_deployments, full_name),
    "flow-runs": (flow_runs.list_flow_runs, lambda run: run.name),
    "flows": (flows.list_flows, lambda flow: flow.name),
    "invitations": (members.list_invitations, lambda one: one.email),
    "members": (members.list_members, lambda one: one.user.email or one.user.display_name),
    "roles": (_page_of_roles, lambda role: role.name),
    "service-accounts": (
        service_accounts.list_service_accounts,
        lambda account: account.display_name,
    ),
    "sla-rules": (sla_rules.list_sla_rules, lambda rule: rule.name),
    "teams": (teams.list_teams, lambda team: team.name),
    "variables": (variables.list_variables, lambda variable: variable.name),
    "work-pools": (work_pools.list_work_pools, lambda pool: pool.name),
}
"""Whose names can be asked for, and how."""
_UNNAMED = frozenset({"list", "create", "pending", "invite", "register", "types", "violations"})
"""Verbs that take no name of something that is there."""
_FIRST = {
    "explain": "flow-runs",
    "open": "flow-runs",
    "repro": "flow-runs",
    "schedules create": "deployments",
    "schedules delete": "deployments",
    "schedules pause": "deployments",
    "schedules preview": "deployments",
    "schedules resume": "deployments",
    "schedules update": "deployments",
    "sla-rules create": "deployments",
    "task-runs list": "flow-runs",
    "work-queues delete": "work-pools",
    "work-queues list": "work-pools",
    "work-queues pause": "work-pools",
    "work-queues resume": "work-pools",
    "work-queues set": "work-pools",
}
"""What verbs take first that is not of their own noun."""
_SECOND = {
    "flow-runs diff": "flow-runs",
    "members bind": "roles",
    "members unbind": "roles",
    "service-accounts bind": "roles",
    "service-accounts unbind": "roles",
    "teams add": "members",
    "teams bind": "roles",
    "teams remove": "members",
    "teams unbind": "roles",
}

# No compgen -W: it would carry out what a name says, as `$(…)`.
_BASH = """
_headgate_source() {
  case "$1" in
@CASES@
  esac
}
_headgate_names() {
  local typed=${COMP_WORDS[COMP_CWORD]} noun="" name
  if [[ $typed != -* ]]; then
    case $COMP_CWORD in
      2) noun=$(_headgate_source "${COMP_WORDS[1]}") ;;
      3) noun=$(_headgate_source "${COMP_WORDS[1]} ${COMP_WORDS[2]}") ;;
      4) noun=$(_headgate_source "${COMP_WORDS[1]} ${COMP_WORDS[2]} +") ;;
    esac
  fi
  if [[ -n $noun ]]; then
    COMPREPLY=()
    while IFS= read -r name; do
      [[ $name == "$typed"* ]] && COMPREPLY+=("$(printf '%q' "$name")")
    done < <(headgate names "$noun" 2>/dev/null)
    return
  fi
  _headgate "$@"
}
complete -F _headgate_names headgate
"""
_ZSH = """
_headgate_source() {
  case "$1" in
@CASES@
  esac
}
_headgate_names() {
  local noun=""
  if [[ $words[CURRENT] != -* ]]; then
    case $CURRENT in
      3) noun=$(_headgate_source "$words[2]") ;;
      4) noun=$(_headgate_source "$words[2] $words[3]") ;;
      5) noun=$(_headgate_source "$words[2] $words[3] +") ;;
    esac
  fi
  if [[ -n $noun ]]; then
    local -a names
    names=(${(f)"$(headgate names "$noun" 2>/dev/null)"})
    compadd -a names
    return
  fi
  _cyclopts_headgate "$@"
}
compdef _headgate_names headgate
"""
_FISH = """
complete -c headgate -f -n '__fish_headgate_using_command @VERB@' \
-a '(headgate names @NOUN@ 2>/dev/null)'
"""


def completion(shell: Annotated[Shell, Parameter(help="which")]) -> None:
    """Print a shell's completion script, to be sourced; names are asked of the server.

    For example: headgate completion bash > ~/.local/share/bash-completion/completions/headgate
    """
    made = parsing.build()
    script = made.generate_completion(prog_name="headgate", shell=shell)  # nosec B604 - a word
    sys.stdout.write(script.rstrip("\n") + "\n" + _names_script(shell))


def names(noun: Annotated[str, Parameter(help="as flow-runs")], /) -> None:
    """Print the names of a kind of thing, one a line, as completion asks for them."""
    source = _SOURCES.get(noun)
    # Completion is silent: whoever types is told by the command itself what is wrong.
    with contextlib.suppress(HeadgateError):
        if source is not None:
            with connect() as server:
                _print_names(server, *source)


def _print_names(server: Server, lister: Any, name_of: Callable[[Any], str]) -> None:
    found = server.collect(lister, limit=NAMES_AT_ONCE, is_told=False)
    for name in dict.fromkeys(map(name_of, found)):
        sys.stdout.write(f"{name}\n")


def _names_script(shell: Shell) -> str:
    found = sources()
    if shell == "fish":
        return "".join(
            _FISH.replace("@VERB@", command.removesuffix(" +")).replace("@NOUN@", noun)
            for command, noun in found.items()
        )
    cases = "\n".join(f'    "{command}") echo {noun} ;;' for command, noun in found.items())
    return (_BASH if shell == "bash" else _ZSH).replace("@CASES@", cases)


def sources() -> dict[str, str]:
    """Return whose names stand first behind a command and, where it ends with "+", second."""
    own = {
        f"{noun.name} {verb.name}": noun.name
        for noun in tree.NOUNS
        if noun.name in _SOURCES
        for verb in noun.verbs
        if verb.name not in _UNNAMED
    }
    return {**own, **_FIRST, **{f"{command} +": noun for command, noun in _SECOND.items()}}
