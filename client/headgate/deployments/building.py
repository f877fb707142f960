"""Runs the build and push steps of deployments, and fills in what they returned."""

import json
from collections.abc import Callable, Sequence
from contextlib import chdir
from dataclasses import replace
from typing import Any

from headgate.deployments.storing import DeploymentSpec
from headgate.deployments.variables import with_variables
from headgate.engine.named_steps import filled, run_steps


def build_and_push(
    specs: Sequence[DeploymentSpec], *, say: Callable[[str], None]
) -> list[DeploymentSpec]:
    """Run the steps, those that deployments share only once, and return what is to be stored.

    Args:
        say: is told what is about to be done.

    Raises:
        EntrypointError: a step fails, or there is no variable that is named; nothing was stored.
    """
    done: dict[str, dict[str, Any]] = {}
    found: list[DeploymentSpec] = []
    for spec in specs:
        key = json.dumps([spec.build_steps, spec.push_steps], sort_keys=True, default=str)
        if key not in done:
            done[key] = _outputs(spec, say=say)
        found.append(_filled(spec, done[key]))
    return found


def _outputs(spec: DeploymentSpec, *, say: Callable[[str], None]) -> dict[str, Any]:
    outputs: dict[str, Any] = {}
    with chdir(spec.directory):
        for verb, steps in (("Building", spec.build_steps), ("Pushing", spec.push_steps)):
            if steps:
                say(f"{verb}: {', '.join(_names(steps))}")
                run_steps(steps, outputs=outputs)
    return outputs


def _names(steps: Sequence[dict[str, Any]]) -> list[str]:
    return [name.rpartition(".")[2] for step in steps for name in step]


def _filled(spec: DeploymentSpec, outputs: dict[str, Any]) -> DeploymentSpec:
    built = replace(
        spec,
        parameters=filled(spec.parameters, outputs),
        job_variables=filled(spec.job_variables, outputs),
        pull_steps=filled(spec.pull_steps, outputs),
        tags=filled(spec.tags, outputs),
        version=filled(spec.version, outputs),
        description=filled(spec.description, outputs),
        work_pool=filled(spec.work_pool, outputs),
    )
    return with_variables(built)
