"""``headgate repro``: a failed run once more, in this process, in the debugger where it fails."""

import asyncio
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from headgate.api import reproductions
from headgate.api.reproductions import ExecutedRun, ExecutedTask
from headgate.cli.connection import connect
from headgate.cli.debugging import open_debugger
from headgate.cli.failures import CommandError, ExitCode
from headgate.cli.names import get_flow_run
from headgate.cli.output import Columns, Format, OutputOption, say, show_item
from headgate.cli.parameters import ParameterOption, ParametersOption, read_parameters
from headgate.deployments.checkouts import shown
from headgate.engine.entrypoints import load_flow, run_pull_steps
from headgate.engine.flow_run import run_here, run_here_async
from headgate.engine.opening import FlowCall
from headgate.engine.parameters import bind_named
from headgate.engine.replays import Replay
from headgate.engine.templates import holds_templates
from headgate.errors import EntrypointError
from headgate.results.kept import PREFIX, KeptResults
from headgate.results.storages import ResultStorage, make_storage
from headgate.settings import Settings
from headgate.specs import FlowSpec, Job, JobDeployment, JobReuse
from headgate.states import State, StateType
from headgate.texts import text_of

_NAMES_TOLD = 5


@dataclass(frozen=True, slots=True)
class Repro:
    """What came of looking at a run again."""

    id: str
    name: str
    flow: str
    state: str
    message: str | None
    was: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Code:
    """Where a run's code is."""

    entrypoint: str
    pull_steps: list[dict[str, Any]]


def repro(
    name: Annotated[str, Parameter(help="the run's id, or its name")],
    /,
    *,
    param: ParameterOption = None,
    params: ParametersOption = None,
    code: Annotated[
        Path | None, Parameter(help="a folder with the code, in the place of what the run pulled")
    ] = None,
    commit: Annotated[
        str | None,
        Parameter(help="a commit to check out, in the place of the one that the run had"),
    ] = None,
    again: Annotated[
        bool, Parameter(help="do tasks again whose results are not within reach")
    ] = False,
    debug: Annotated[
        bool,
        Parameter(negative="--no-debug", help="open the debugger where it fails"),
    ] = True,
    output: OutputOption = "table",
) -> int:
    """Do a run once more in this process: same code and parameters, and the results it kept.

    Nobody hears of it: no state, no log, no hook, and nothing is kept. What the code does outside,
    it does again. Exits 7 when it fails again, which opens the debugger at the line that failed.
    """
    with connect() as server:
        found = get_flow_run(server, name=name)
        run = server.call(reproductions.get, flow_run_id=found.id)
        tasks = server.call(reproductions.list_tasks, flow_run_id=found.id)
        settings = server.settings
    source = _code_of(run, folder=code, commit=commit)
    parameters = {**run.parameters, **read_parameters(param, document=params)}
    if holds_templates(parameters):
        raise CommandError(
            "A parameter names a block or a variable, which only the run itself fills in",
            code=ExitCode.USAGE,
            hints=["Give its value here: -p name=value."],
        )
    _look_for_results(run, tasks, settings=settings, is_again=again)
    for variable, value in _environment_of(run).items():
        os.environ.setdefault(variable, value)
    is_watched = debug and sys.stdin.isatty() and sys.stderr.isatty()
    state = _play(run, source, parameters=parameters, folder=code, is_debugged=is_watched)
    _show(run, state, output=output)
    return ExitCode.OK if state.is_completed() else ExitCode.RUN_FAILED


def _show(run: ExecutedRun, state: State[Any], *, output: Format) -> None:
    outcome = Repro(run.id, run.name, run.flow.name, state.name, state.message, run.state.name)
    fields: Columns[Repro] = {
        "run": lambda repro: repro.id,
        "flow": lambda repro: repro.flow,
        "was": lambda repro: repro.was,
        "now": lambda repro: repro.state,
        "message": lambda repro: repro.message,
    }
    show_item(outcome, fields=fields, output=output)


def _play(
    run: ExecutedRun,
    source: _Code,
    *,
    parameters: dict[str, Any],
    folder: Path | None,
    is_debugged: bool,
) -> State[Any]:
    deployment = JobDeployment(run.deployment.id, run.deployment.name) if run.deployment else None
    job = Job(
        flow_name=run.flow.name,
        entrypoint=source.entrypoint,
        parameters=parameters,
        job_variables=run.job_variables or {},
        deployment=deployment,
        run_name=run.name,
        tags=run.tags,
        reuse=JobReuse(kept=True),
    )
    with redirect_stdout(sys.stderr):
        flow = _load(source, folder=folder)
        examine = open_debugger if is_debugged else _tell
        spec: FlowSpec = flow.spec
        call = FlowCall(
            flow=flow,
            spec=spec,
            parameters=bind_named(spec.signature, name=spec.name, parameters=parameters),
            job=job,
            replay=Replay(run.id, examine=examine),
        )
        return asyncio.run(run_here_async(call)) if spec.is_async else run_here(call)


def _tell(error: BaseException) -> None:
    del error  # The engine has logged it, with its traceback.


def _code_of(run: ExecutedRun, *, folder: Path | None, commit: str | None) -> _Code:
    """Return where the code of a run is.

    Raises:
        CommandError: nobody knows: it ran in a process of its own.
    """
    if run.deployment_version is None:
        raise CommandError(
            f"{run.name} was started in a process of its own, or its version is not kept any more: "
            "nothing says where its code is",
            hints=["Run the flow itself: headgate run path/file.py:flow -p name=value"],
        )
    content = run.deployment_version.content
    steps: list[dict[str, Any]] = [] if folder else list(content.get("pullSteps") or [])
    steps = [_at_commit(step, commit, commits=run.commits) for step in steps]
    return _Code(entrypoint=content["entrypoint"], pull_steps=steps)


def _at_commit(
    step: Mapping[str, Any], chosen: str | None, *, commits: Mapping[str, str]
) -> dict[str, Any]:
    """Return a step that clones a repository with a commit in the place of its branch.

    Args:
        chosen: the commit that somebody names; that of the run if nobody does.
    """
    changed: dict[str, Any] = {}
    for name, inputs in step.items():
        given: dict[str, Any] = dict(inputs or {})
        commit = chosen or commits.get(shown(str(given.get("repository"))))
        if commit and name.endswith(".git_clone"):
            given.pop("branch", None)
            given["commit_sha"] = commit
        changed[name] = given
    return changed


def _load(source: _Code, *, folder: Path | None) -> Any:
    """Bring the code here, and import the flow.

    Raises:
        CommandError: it cannot be had.
    """
    try:
        if folder is not None:
            os.chdir(folder)
        run_pull_steps(source.pull_steps)
        say(f"Code: {source.entrypoint} in {Path.cwd()}")
        return load_flow(source.entrypoint)
    except (EntrypointError, OSError) as error:
        raise CommandError(
            f"The code of the run cannot be had here: {text_of(error)}",
            hints=["Name a folder that has it: --code FOLDER; it may be a checkout of your own."],
        ) from error
    except Exception as error:
        traceback.print_exc()
        message = f"The code of the run cannot be imported: {text_of(error)}"
        hints = ["Does this environment have what the flow needs?"]
        raise CommandError(message, hints=hints) from error


def _look_for_results(
    run: ExecutedRun, tasks: Sequence[ExecutedTask], *, settings: Settings, is_again: bool
) -> None:
    """Say which tasks are done again, and refuse where their results are kept out of reach.

    Raises:
        CommandError: results are kept where this process does not see them.
    """
    done = [task for task in tasks if task.state.type == StateType.COMPLETED]
    unkept = [task.name for task in done if task.cache_key is None]
    if unkept:
        say(f"No result was kept of {_listed(unkept)}: what they do is done again")
    storage = make_storage(settings.result_storage or settings.results_folder)
    kept = KeptResults(run.id, reuse=None)
    missing = [
        task.name
        for task in done
        if task.cache_key is not None
        and task.cache_key.startswith(PREFIX)
        and not _is_there(storage, kept.path_of(task.cache_key))
    ]
    if not missing:
        return
    if is_again:
        say(f"The results of {_listed(missing)} are not within reach: what they do is done again")
        return
    where = f"on the machine of agent {run.agent_name}" if run.agent_name else "by its process"
    raise CommandError(
        f"The results of {_listed(missing)} are kept {where}, and not in {storage!r}",
        hints=[
            "Run this there, or name their storage in HEADGATE_RESULT_STORAGE; "
            "--again does those tasks again.",
        ],
    )


def _is_there(storage: ResultStorage, path: str) -> bool:
    try:
        return storage.read(path) is not None
    except Exception as error:
        message = f"The results of the run cannot be read from {storage!r}: {text_of(error)}"
        raise CommandError(message, hints=["--again does its tasks again."]) from error


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES_TOLD} more" if len(names) > _NAMES_TOLD else ""
    return ", ".join(names[:_NAMES_TOLD]) + more


def _environment_of(run: ExecutedRun) -> dict[str, str]:
    """Return the variables that the run's process was given, but for those with secrets in them."""
    found: dict[str, str] = {}
    version = run.deployment_version
    stored: dict[str, Any] = (version.content.get("jobVariables") if version else None) or {}
    for variables in (stored, run.job_variables or {}):
        environment: dict[str, Any] = variables.get("env") or {}
        found.update({name: str(value) for name, value in environment.items()})
    left_out = sorted(name for name, value in found.items() if holds_templates(value))
    if left_out:
        say(f"Not set here, since only the run fills them in: {', '.join(left_out)}")
    return {name: value for name, value in found.items() if name not in left_out}
