"""What the options of ``@flow`` and ``@task`` must be, said by the option's name."""

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from typing import Any, cast

_HOOKS = (
    "on_running",
    "on_completion",
    "on_failure",
    "on_cancellation",
    "on_crashed",
    "on_rollback",
    "on_commit",
)
_TEXTS = ("name", "description", "version")


def check_options(options: Mapping[str, Any], *, known: Iterable[str], of: str) -> None:
    """Check that the options of a decorator exist and are of the kind that they are read as.

    Args:
        options: as they were given.
        known: what there is.
        of: the decorator, as its author writes it.

    Raises:
        TypeError: there is no such option, or it is of another kind.
        ValueError: it is out of range.
    """
    for name in options.keys() - known:
        raise TypeError(f"{of} has no option {name!r}{_meant(name, known)}")
    for name in _TEXTS:
        _check(options, name, kinds=str, wanted="a text")
    _check(options, "retries", kinds=int, wanted="a whole number")
    _check(options, "timeout_seconds", kinds=(int, float, timedelta), wanted="seconds")
    _check(options, "cache_expiration", kinds=timedelta, wanted="a timedelta")
    seconds = seconds_of(options.get("timeout_seconds"))
    if seconds is not None and not seconds > 0:
        raise ValueError(f"timeout_seconds must be more than 0, or 0 for none, not {seconds}")
    if isinstance(options.get("tags"), str):
        raise TypeError(f"tags takes a list of texts, not {options['tags']!r}")
    runner = options.get("task_runner")
    if runner is not None and not hasattr(runner, "duplicate"):
        raise TypeError(f"task_runner takes a task runner, not {runner!r}")
    for name in _HOOKS:
        _check_hooks(name, options.get(name))


def seconds_of(timeout: float | timedelta | None) -> float | None:
    """Return a timeout in seconds; None where there is none, which 0 says as well."""
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    return seconds or None


def _meant(name: str, known: Iterable[str]) -> str:
    # Only a mistake needs it: importing headgate shall not wait for it.
    import difflib  # noqa: PLC0415 - needed only for an error

    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f": did you mean {near[0]!r}?" if near else ""


def _check(options: Mapping[str, Any], name: str, *, kinds: Any, wanted: str) -> None:
    value = options.get(name)
    if value is not None and (not isinstance(value, kinds) or isinstance(value, bool)):
        raise TypeError(f"{name} takes {wanted}, not {value!r}")


def _check_hooks(name: str, hooks: Any) -> None:
    if hooks is None:
        return
    # What is used up as it is walked through would have no hooks left for the runs.
    if not isinstance(hooks, Collection) or isinstance(hooks, str):
        raise TypeError(f"{name} takes a list of functions, as [notify], not {hooks!r}")
    for hook in cast("Collection[Any]", hooks):
        if not callable(hook):
            raise TypeError(f"{name} takes a list of functions, and {hook!r} is none")
