"""What deployments name that a server has or has not: pools, queues, blocks, variables, crons."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, cast

from headgate.api import blocks, schedules, variables, work_pools
from headgate.api.work_pools import WorkPoolAnswer
from headgate.cli.checks import Finding
from headgate.cli.connection import Server
from headgate.cli.failures import near_names
from headgate.cli.names import list_queues
from headgate.deployments.schedules import as_input
from headgate.deployments.storing import DeploymentSpec

MOST_NAMES = 10_000
_BLOCK = re.compile(r"\{\{\s*blocks\.([a-z0-9-]+)\.([a-z0-9_-]+)")
_VARIABLE = re.compile(r"\{\{\s*variables\.([a-z0-9_-]+)\s*\}\}")


def look_up(server: Server, specs: Sequence[DeploymentSpec]) -> list[Finding]:
    """Return what deployments name that the server does not have.

    Raises:
        ApiError: the server could not be asked.
    """
    pools = {pool.name: pool for pool in _all(server, work_pools.list_work_pools)}
    findings: list[Finding] = []
    for spec in specs:
        findings += _pool(server, spec, pools)
        findings += _schedules(server, spec)
    findings += _blocks(server, specs)
    return findings + _variables(server, specs)


def _pool(server: Server, spec: DeploymentSpec, pools: dict[str, WorkPoolAnswer]) -> list[Finding]:
    if spec.work_pool is None:
        return []
    pool = pools.get(spec.work_pool)
    if pool is None:
        hints = near_names(spec.work_pool, known=pools, listing="headgate work-pools list")
        message = f"There is no work pool {spec.work_pool!r}"
        return [Finding(level="error", where=spec.name, message=message, hint=" ".join(hints))]
    if spec.work_queue is None:
        return []
    queues = [queue.name for queue in list_queues(server, pool=pool)]
    if spec.work_queue in queues:
        return []
    message = f"The work pool {pool.name} has no queue {spec.work_queue!r}"
    hints = near_names(
        spec.work_queue, known=queues, listing=f"headgate work-queues list {pool.name}"
    )
    return [Finding(level="error", where=spec.name, message=message, hint=" ".join(hints))]


def _schedules(server: Server, spec: DeploymentSpec) -> list[Finding]:
    findings: list[Finding] = []
    for entry in as_input(spec.schedules or ()):
        found = server.call(schedules.preview, spec=entry["spec"], first=1)
        where = f"{spec.name}: schedule {entry['slug']}"
        if found.error is not None:
            findings.append(Finding(level="error", where=where, message=found.error.message))
        elif not found.fires:
            message = "It never fires again"
            findings.append(Finding(level="warning", where=where, message=message))
    return findings


def _blocks(server: Server, specs: Sequence[DeploymentSpec]) -> list[Finding]:
    wanted = {
        (spec.name, f"{match[1]}/{match[2]}")
        for spec in specs
        for text in _texts(_documents(spec))
        for match in _BLOCK.finditer(text)
    }
    wanted |= {
        (spec.name, reference)
        for spec in specs
        for reference in spec.blocks or ()
        if not reference.endswith("/*")
    }
    if not wanted:
        return []
    known = [block.reference for block in _all(server, blocks.list_blocks)]
    return _absent(wanted, known=known, what="block", listing="headgate blocks list")


def _variables(server: Server, specs: Sequence[DeploymentSpec]) -> list[Finding]:
    wanted = {
        (spec.name, match[1])
        for spec in specs
        for text in _texts(_documents(spec))
        for match in _VARIABLE.finditer(text)
    }
    if not wanted:
        return []
    known = [variable.name for variable in _all(server, variables.list_variables)]
    return _absent(wanted, known=known, what="variable", listing="headgate variables list")


def _absent(
    wanted: Iterable[tuple[str, str]], *, known: Sequence[str], what: str, listing: str
) -> list[Finding]:
    return [
        Finding(
            level="error",
            where=where,
            message=f"There is no {what} {name!r}",
            hint=" ".join(near_names(name, known=known, listing=listing)),
        )
        for where, name in sorted(wanted)
        if name not in known
    ]


def _documents(spec: DeploymentSpec) -> list[Any]:
    given = [schedule.parameters for schedule in spec.schedules or ()]
    return [spec.parameters, spec.job_variables, spec.pull_steps, *given]


def _texts(document: Any) -> Iterable[str]:
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict):
        for value in cast("dict[str, Any]", document).values():
            yield from _texts(value)
    elif isinstance(document, list | tuple):
        for value in cast("Sequence[Any]", document):
            yield from _texts(value)


def _all(server: Server, lister: Any) -> list[Any]:
    return server.collect(lister, limit=MOST_NAMES, is_told=False)
