"""``headgate top``: pools, agents and runs as they are now, again and again."""

import shutil
import sys
import time
from dataclasses import dataclass
from typing import Annotated

import msgspec
from cyclopts import Parameter
from cyclopts.validators import Number

from headgate.api import overviews
from headgate.api.overviews import LiveAgent, LivePool, LiveRun, Overview
from headgate.cli.connection import Server, connect
from headgate.cli.failures import ExitCode
from headgate.cli.output import (
    Columns,
    OutputOption,
    age,
    span,
    table_lines,
    write_document,
)
from headgate.errors import RetryableApiError
from headgate.texts import visible

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
"""To the terminal's other screen and back, the cursor hidden meanwhile."""
_HOME, _REST = "\x1b[H", "\x1b[J"
_LINE_END = "\x1b[K\r\n"


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent and the pool that it serves."""

    pool: str
    agent: LiveAgent


def top(
    *,
    every: Annotated[
        float,
        Parameter(
            help="seconds from one look to the next, at least 0.5", validator=Number(gte=0.5)
        ),
    ] = 2.0,
    limit: Annotated[
        int,
        Parameter(
            name=("--limit", "-n"),
            help="how many runs at most, those begun last; up to 100",
            validator=Number(gte=1, lte=100),
        ),
    ] = 50,
    once: Annotated[bool, Parameter(name="--once", negative="", help="print it and leave")] = False,
    output: OutputOption = "table",
) -> int:
    """Show pools, agents and live runs as they are now, on a terminal until interrupted.

    Elsewhere, and with --once, they are printed once.
    """
    with connect() as server:
        found = _look(server, limit=limit)
        if output != "table":
            write_document(msgspec.to_builtins(found), output)
        elif once or not sys.stdout.isatty():
            for line in overview_lines(found):
                sys.stdout.write(f"{line}\n")
        else:
            _follow(server, found, limit=limit, every_seconds=every)
    return ExitCode.OK


def overview_lines(found: Overview) -> list[str]:
    """Return what is shown of an overview: counts, pools, agents, runs."""
    hour = ", ".join(f"{one.count} {one.state.lower()}" for one in found.last_hour) or "none"
    lines = [
        f"{found.running} running, {found.pending} starting, {found.waiting} waiting "
        f"({found.late} late), {found.paused} paused, {found.scheduled} due later; "
        f"{found.agents_online} agents online, {found.taken} of {found.capacity} slots taken",
        f"due in the last hour: {hour}",
        "",
        *table_lines(found.pools, columns=_POOLS),
        "",
    ]
    agents = [AgentRow(pool.name, agent) for pool in found.pools for agent in pool.agents]
    lines += [*table_lines(agents, columns=_AGENTS), ""] if agents else ["No agent is online.", ""]
    lines += table_lines(found.runs, columns=_RUNS) if found.runs else ["No run is live or late."]
    more = [
        what
        for what, is_more in (("pools", found.has_more_pools), ("runs", found.has_more_runs))
        if is_more
    ]
    return [*lines, *([f"There are more {' and '.join(more)}."] if more else [])]


def _look(server: Server, *, limit: int) -> Overview:
    return server.call(
        overviews.get, organization=server.organization, workspace=server.workspace, first=limit
    )


def _follow(server: Server, found: Overview, *, limit: int, every_seconds: float) -> None:
    """Show overview after overview, until interrupted; a server that is away is waited for."""
    place = f"{server.organization}/{server.workspace} at {server.url}"
    trouble = ""
    sys.stdout.write(_ENTER)
    try:
        while True:
            head = f"{place}, {time.strftime('%H:%M:%S')}; Ctrl-C leaves"
            _draw([head, trouble, *overview_lines(found)])
            time.sleep(every_seconds)
            try:
                found, trouble = _look(server, limit=limit), ""
            except RetryableApiError as error:
                trouble = f"As it was before: {error}"
    except KeyboardInterrupt:
        return
    finally:
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()


def _draw(lines: list[str]) -> None:
    """Write lines over what the screen shows, cut to its size."""
    size = shutil.get_terminal_size()
    shown = [visible(line)[: size.columns] for line in lines]
    if len(shown) >= size.lines:
        left_out = len(shown) - size.lines + 2
        shown = [*shown[: size.lines - 2], f"… and {left_out} lines more"]
    sys.stdout.write(_HOME + "".join(line + _LINE_END for line in shown) + _REST)
    sys.stdout.flush()


def _pool_agents(pool: LivePool) -> str:
    slots = sum(agent.capacity for agent in pool.agents)
    return f"{pool.agent_count} ({slots} slots)" if pool.agents else "none"


_POOLS: Columns[LivePool] = {
    "pool": lambda pool: pool.name,
    "status": lambda pool: "paused" if pool.paused else pool.status.lower().replace("_", " "),
    "running": lambda pool: pool.backlog.running,
    "limit": lambda pool: pool.concurrency_limit,
    "waiting": lambda pool: pool.backlog.ready + pool.backlog.offered,
    "oldest": lambda pool: span(pool.backlog.oldest_ready_age),
    "agents": _pool_agents,
}
_AGENTS: Columns[AgentRow] = {
    "agent": lambda row: row.agent.name,
    "pool": lambda row: row.pool,
    "host": lambda row: row.agent.host,
    "state": lambda row: row.agent.state.lower(),
    "busy": lambda row: f"{row.agent.in_flight}/{row.agent.capacity}",
    "heard": lambda row: age(row.agent.last_heartbeat_at),
}
_RUNS: Columns[LiveRun] = {
    "run": lambda run: run.name,
    "flow": lambda run: run.flow.name,
    "state": lambda run: run.state.name,
    "since": lambda run: age(run.started_at or run.expected_start),
    "pool": lambda run: run.work_pool.name if run.work_pool else None,
    "agent": lambda run: run.agent,
    "id": lambda run: run.id,
}
