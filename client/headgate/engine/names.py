"""Names of runs: made up for flow runs, from the task's name for task runs, or as declared."""

import inspect
import random
from collections.abc import Callable, Mapping
from typing import Any

from headgate.specs import RunNamer
from headgate.texts import text_of

_FIRST = (
    "able agile amber ample arctic ashen bold brave bright brisk calm clever copper coral crisp "
    "daring deep eager early earnest fair fleet fond frank fresh gentle glad golden grand green "
    "happy hardy honest humble jolly keen kind lively loyal lucky mellow merry mighty modest neat "
    "noble patient placid plucky polite proud quick quiet rapid ready rosy sage silver smart "
    "snowy solid steady stout sunny swift tidy tranquil true valiant vivid warm wise witty zesty"
)
_SECOND = (
    "alpaca badger beaver bison bobcat cardinal caribou cheetah condor cougar crane dolphin eagle "
    "egret falcon ferret finch fox gazelle gecko heron hornbill ibex ibis impala jackal jaguar "
    "kite kiwi koala lark lemur lion llama lynx macaw magpie marmot marten mongoose moose newt "
    "ocelot okapi orca oriole osprey otter owl panther pelican penguin petrel pika plover puffin "
    "puma quail rabbit raven robin salmon seal shrike sparrow stork swan tapir tern thrush "
    "tiger toucan turtle viper vole walrus weasel whale wombat wren yak zebra"
)

_names = random.SystemRandom()


def make_flow_run_name() -> str:
    """Make up a name that people can tell apart and pronounce."""
    return f"{_names.choice(_FIRST.split())}-{_names.choice(_SECOND.split())}"


def declared_name(
    namer: RunNamer, *, parameters: Mapping[str, Any], what: Mapping[str, Any]
) -> str:
    """Return the name that a template or a function gives to a run.

    Args:
        what: further values for the template, and for a function with parameters of these names.

    Raises:
        ValueError: the template names something that is neither parameter nor fact.
    """
    if isinstance(namer, str):
        try:
            return namer.format(**{**what, **parameters})
        except (KeyError, IndexError, AttributeError) as error:
            message = f"The run name template {namer!r} names something unknown: {text_of(error)}"
            raise ValueError(message) from error
    return str(namer(**_wanted(namer, {**what, "parameters": dict(parameters)})))


def run_facts(flow_run: Any) -> dict[str, Any]:
    """Return what a template may say of a flow run and its deployment; None where it has none."""
    deployment = flow_run and flow_run.deployment_id and _Deployment(flow_run)
    return {"flow_run": flow_run, "deployment": deployment}


def task_facts(context: Any) -> dict[str, Any]:
    """Return what a template may say of a task run, and of the flow run around it."""
    around = context.flow_run.run if context.flow_run else None
    return {
        "parameters": context.parameters,
        "task_name": context.spec.name,
        "task_run": _NamedTask(context),
        **run_facts(around),
    }


class _NamedTask:
    """A task run with what the runtime says of it besides."""

    __slots__ = ("_run", "parameters", "task_name")

    def __init__(self, context: Any) -> None:
        self._run = context.run
        self.parameters = context.parameters
        self.task_name = context.spec.name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._run, name)


class _Deployment:
    """The deployment that a flow run comes from, as the runtime has it."""

    __slots__ = ("flow_run_id", "id", "name", "parameters")

    def __init__(self, run: Any) -> None:
        self.id = run.deployment_id
        self.name = run.deployment_name
        self.flow_run_id = run.id
        self.parameters = run.parameters


def _wanted(namer: Callable[..., str], values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in inspect.signature(namer).parameters if name in values}
