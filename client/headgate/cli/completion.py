"""``headgate completion``: a script that completes nouns, verbs, options and names in a shell."""

import contextlib
import sys
from collections.abc import Callable
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from headgate.api import deployments, flow_runs, flows, variables, work_pools
from headgate.cli import parsing, tree
from headgate.cli.connection import Server, connect
from headgate.cli.names import full_name
from headgate.errors import HeadgateError

Shell = Literal["bash", "zsh", "fish"]

NAMES_AT_ONCE = 100

_SOURCES: dict[str, tuple[Any, Callable[[Any], str]]] = {
    "deployments": (deployments.list_deployments, full_name),
    "flow-runs": (flow_runs.list_flow_runs, lambda run: run.name),
    "flows": (flows.list_flows, lambda flow: flow.name),
    "variables": (variables.list_variables, lambda variable: variable.name),
    "work-pools": (work_pools.list_work_pools, lambda pool: pool.name),
}
_UNNAMED = frozenset({"list", "create", "pending"})
"""Verbs that take no name of something that is there."""

# No compgen -W: it would carry out what a name says, as `$(…)`.
_BASH = """
_headgate_names() {
  if [[ $COMP_CWORD -eq 3 && ${COMP_WORDS[3]} != -* ]]; then
    case "${COMP_WORDS[1]} ${COMP_WORDS[2]}" in
      @VERBS@)
        local name
        COMPREPLY=()
        while IFS= read -r name; do
          [[ $name == "${COMP_WORDS[3]}"* ]] && COMPREPLY+=("$(printf '%q' "$name")")
        done < <(headgate names "${COMP_WORDS[1]}" 2>/dev/null)
        return
        ;;
    esac
  fi
  _headgate "$@"
}
complete -F _headgate_names headgate
"""
_ZSH = """
_headgate_names() {
  if [[ $CURRENT -eq 4 && $words[4] != -* ]]; then
    case "$words[2] $words[3]" in
      @VERBS@)
        local -a names
        names=(${(f)"$(headgate names "$words[2]" 2>/dev/null)"})
        compadd -a names
        return
        ;;
    esac
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
    script = parsing.build().generate_completion(prog_name="headgate", shell=shell)
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
    verbs = [
        (noun.name, verb.name)
        for noun in tree.NOUNS
        if noun.name in _SOURCES
        for verb in noun.verbs
        if verb.name not in _UNNAMED
    ]
    if shell == "fish":
        return "".join(
            _FISH.replace("@VERB@", f"{noun} {verb}").replace("@NOUN@", noun)
            for noun, verb in verbs
        )
    listed = " | ".join(f'"{noun} {verb}"' for noun, verb in verbs)
    return (_BASH if shell == "bash" else _ZSH).replace("@VERBS@", listed)
