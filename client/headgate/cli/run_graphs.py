"""``headgate flow-runs graph``: what a run's tasks made of each other's results."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter

from headgate.api import run_graphs
from headgate.api.run_graphs import GraphAnswer, GraphGroup, GraphNode
from headgate.cli.connection import connect
from headgate.cli.flow_runs import RunName
from headgate.cli.names import get_flow_run
from headgate.cli.output import coloured_state, say, span, write_document
from headgate.texts import visible

GraphFormat = Literal["table", "json", "yaml", "mermaid"]
FormatOption = Annotated[
    GraphFormat,
    Parameter(name=("--output", "-o"), help="a tree, json, yaml, or mermaid for a page"),
]
_GLYPHS = {
    "SCHEDULED": "○",
    "PENDING": "○",
    "RUNNING": "◐",
    "PAUSED": "‖",
    "CANCELLING": "◧",
    "CANCELLED": "■",
    "COMPLETED": "✓",
    "FAILED": "✗",
    "CRASHED": "⚡",
}
_WORST = ("CRASHED", "FAILED", "CANCELLED", "CANCELLING", "RUNNING", "PAUSED", "PENDING")


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the tree: a task run, a subflow, or all runs of a task."""

    id: str
    name: str
    state_type: str
    text: str
    parents: tuple[str, ...]


def show_graph(name: RunName, /, *, output: FormatOption = "table") -> None:
    """Show a run's tasks below those whose results they took, with their states and times.

    A task that took several results stands below the last of them, and names the others. Of more
    than 500 task runs the tasks are shown, each with how many of its runs are in which state.
    """
    with connect() as server:
        run = get_flow_run(server, name=name)
        found = server.call(run_graphs.get, flow_run_id=run.id)
    if output in {"json", "yaml"}:
        write_document(msgspec.to_builtins(found), "json" if output == "json" else "yaml")
        return
    steps = steps_of(found)
    if output == "mermaid":
        sys.stdout.write(mermaid(steps))
        return
    is_tty = sys.stdout.isatty()
    head = coloured_state(found.state.type, text=found.state.name, is_tty=is_tty)
    sys.stdout.write(f"{visible(found.flow.name)} / {visible(found.name)}  {head}\n")
    for line in tree_lines(steps, is_tty=is_tty):
        sys.stdout.write(f"{line}\n")
    if not steps:
        say("No task of it has begun.")
    elif found.graph.grouped:
        say(f"{found.graph.total} task runs: each line stands for all of one task.")


def steps_of(found: GraphAnswer) -> list[Step]:
    """Return what a graph shows, in the order of its server."""
    graph = found.graph
    if graph.grouped:
        return [_of_group(group) for group in graph.groups]
    return [_of_node(node) for node in graph.nodes]


def tree_lines(steps: Sequence[Step], *, is_tty: bool = False) -> list[str]:
    """Return a line for each step, below the last of those that it took results of.

    An only child stands straight below its parent, so that a long chain stays in sight.
    """
    known = {step.id for step in steps}
    children: dict[str | None, list[Step]] = {}
    for step in steps:
        parents = [parent for parent in step.parents if parent in known and parent != step.id]
        children.setdefault(parents[-1] if parents else None, []).append(step)
    names = {step.id: step.name for step in steps}
    lines: list[str] = []
    waiting = [(step, "", "") for step in reversed(children.get(None, []))]
    while waiting:
        step, lead, mark = waiting.pop()
        lines.append(f"{lead}{mark}{_line(step, names=names, is_tty=is_tty)}")
        below = lead + {"": "", "↓ ": "", "├─ ": "│  ", "└─ ": "   "}[mark]
        inner = children.get(step.id, [])
        for child in reversed(inner):
            last = "↓ " if len(inner) == 1 else "└─ "
            waiting.append((child, below, last if child is inner[-1] else "├─ "))
    return lines


def mermaid(steps: Sequence[Step]) -> str:
    """Return the graph in Mermaid's language, as pages of Markdown show it."""
    numbers = {step.id: number for number, step in enumerate(steps)}
    lines = ["graph TD"]
    for step in steps:
        label = f"{step.name}: {step.text}".replace('"', "#quot;").replace("\n", " ")
        lines.append(f'  n{numbers[step.id]}["{visible(label)}"]')
    for step in steps:
        known = [parent for parent in step.parents if parent in numbers]
        lines += [f"  n{numbers[parent]} --> n{numbers[step.id]}" for parent in known]
    return "\n".join(lines) + "\n"


def _line(step: Step, *, names: dict[str, str], is_tty: bool) -> str:
    glyph = _GLYPHS.get(step.state_type, "?")
    others = [names[parent] for parent in step.parents[:-1] if parent in names]
    also = f"  (also after {', '.join(others)})" if others else ""
    state = coloured_state(step.state_type, text=f"{glyph} {step.text}", is_tty=is_tty)
    return f"{visible(step.name)}  {state}{visible(also)}"


def _of_node(node: GraphNode) -> Step:
    run = node.run
    name = run.name if run.flow is None else f"{run.flow.name} / {run.name}"
    took = _took(run.started_at, run.ended_at)
    text = run.state.name + (f", {took}" if took else "")
    return Step(run.id, name, run.state.type, text, tuple(node.parents))


def _of_group(group: GraphGroup) -> Step:
    counts = {one.state: one.count for one in group.counts}
    worst = next((state for state in _WORST if state in counts), "COMPLETED")
    shown = ", ".join(f"{count} {state.lower()}" for state, count in counts.items())
    calls = f", {group.subflow_count} runs of flows" if group.subflow_count else ""
    return Step(group.task_key, group.task_key, worst, shown + calls, tuple(group.parents))


def _took(started_at: datetime | None, ended_at: datetime | None) -> str:
    if started_at is None or ended_at is None:
        return ""
    return span(ended_at - started_at)
