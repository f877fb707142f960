"""Cache policies: what makes two calls of a task the same one; the names are Prefect's."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any, Self

from headgate.errors import HeadgateError
from headgate.hashing import hash_values
from headgate.locking.protocol import IsolationLevel, LockManager

CacheKeyFn = Callable[[Any, dict[str, Any]], str | None]
"""Called with the context of the task run and its parameters; None is no key."""


@dataclass(frozen=True, kw_only=True)
class CachePolicy:
    """Makes the key of a call; ``a + b`` needs both to be the same, ``a - "x"`` ignores an input.

    Args:
        key_storage: where the results of this policy are kept, instead of where others are.
        isolation_level: whether others wait while a result is computed.
        lock_manager: what they wait for; without one, the server's records where the run reports
            to a server, else files.
    """

    key_storage: Any = None
    isolation_level: IsolationLevel | None = None
    lock_manager: LockManager | None = None

    def compute_key(
        self,
        task_ctx: Any,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """Return the key of a call; None where it is not cached.

        Args:
            task_ctx: the task run: its ``task``, ``task_run`` and ``parameters``.
            inputs: the arguments of the call, by name.
            flow_parameters: of the flow around it.
        """
        raise NotImplementedError

    @classmethod
    def from_cache_key_fn(cls, cache_key_fn: CacheKeyFn) -> "CacheKeyFnPolicy":
        """Return the policy of a function that makes keys."""
        return CacheKeyFnPolicy(cache_key_fn=cache_key_fn)

    def configure(
        self,
        key_storage: Any = None,
        lock_manager: LockManager | None = None,
        isolation_level: IsolationLevel | str | None = None,
    ) -> Self:
        """Return this policy with some of its options changed."""
        changes: dict[str, Any] = {}
        if key_storage is not None:
            changes["key_storage"] = key_storage
        if lock_manager is not None:
            changes["lock_manager"] = lock_manager
        if isolation_level is not None:
            changes["isolation_level"] = IsolationLevel(isolation_level)
        return replace(self, **changes)

    def __add__(self, other: "CachePolicy") -> "CachePolicy":
        """Return the policy that asks for both keys."""
        if isinstance(other, NoCachePolicy):
            return self
        return CompoundCachePolicy(
            policies=(*_parts(self), *_parts(other)), **_shared_options(self, other)
        )

    def __sub__(self, other: str) -> "CachePolicy":
        """Return a policy that also looks at all inputs but one."""
        _check_input_name(other)
        return self + Inputs(exclude=(other,))


@dataclass(frozen=True, kw_only=True)
class NoCachePolicy(CachePolicy):
    """Caches nothing."""

    def compute_key(
        self,
        task_ctx: Any,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """Return no key."""
        return None

    def __add__(self, other: CachePolicy) -> CachePolicy:
        """Return the other policy."""
        return other


@dataclass(frozen=True, kw_only=True)
class CacheKeyFnPolicy(CachePolicy):
    """Takes the key that a function makes."""

    cache_key_fn: CacheKeyFn | None = None

    def compute_key(
        self,
        task_ctx: Any,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """Return what the function returns."""
        return self.cache_key_fn(task_ctx, inputs) if self.cache_key_fn else None


@dataclass(frozen=True, kw_only=True)
class CompoundCachePolicy(CachePolicy):
    """Needs the keys of several policies to be the same."""

    policies: Sequence[CachePolicy] = ()

    def compute_key(
        self,
        task_ctx: Any,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """Return the hash of the keys that there are; None where there is none."""
        keys = [
            policy.compute_key(task_ctx, inputs, flow_parameters, **kwargs)
            for policy in self.policies
        ]
        found = [key for key in keys if key is not None]
        return hash_values(*found) if found else None

    def __sub__(self, other: str) -> CachePolicy:
        """Return the policy with an input that is not looked at."""
        _check_input_name(other)
        if not any(isinstance(policy, Inputs) for policy in self.policies):
            return super().__sub__(other)
        policies = tuple(
            policy - other if isinstance(policy, Inputs) else policy for policy in self.policies
        )
        return replace(self, policies=policies)


@dataclass(frozen=True, kw_only=True)
class TaskSource(CachePolicy):
    """Tells apart what a task's function was before its code was changed."""

    def compute_key(
        self,
        task_ctx: Any,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """Return the hash of the function's source."""
        return source_hash(task_ctx.task.fn) if task_ctx is not None else None


@dataclass(frozen=True, kw_only=True)
class FlowParameters(CachePolicy):
    """Tells apart flow runs with different parameters."""

    def compute_key(
        self,
        task_ctx: Any,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """Return the hash of the flow's parameters; None where there are none."""
        return hash_values(flow_parameters) if flow_parameters else None


@dataclass(frozen=True, kw_only=True)
class RunId(CachePolicy):
    """Tells apart flow runs; outside of one, task runs."""

    def compute_key(
        self,
        task_ctx: Any,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """Return the id of the flow run."""
        if task_ctx is None:
            return None
        return task_ctx.task_run.flow_run_id or task_ctx.task_run.id


@dataclass(frozen=True, kw_only=True)
class Inputs(CachePolicy):
    """Tells apart calls with different arguments.

    Args:
        exclude: names of arguments that do not matter.
    """

    exclude: Sequence[str] = field(default=())

    def compute_key(
        self,
        task_ctx: Any,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """Return the hash of the arguments; None where there are none.

        Raises:
            ValueError: one of them cannot be hashed; the message names it and says what to do.
        """
        counted = {name: value for name, value in inputs.items() if name not in self.exclude}
        if not counted:
            return None
        try:
            return hash_values(counted)
        except HeadgateError as error:
            message = (
                f"{_unhashable(counted) or 'The arguments'} cannot be hashed for a cache key "
                f"({error}): leave it out, as in `INPUTS - 'name'`, or give cache_key_fn"
            )
            raise ValueError(message) from error

    def __sub__(self, other: str) -> "Inputs":
        """Return the policy with an input that is not looked at."""
        _check_input_name(other)
        return replace(self, exclude=(*self.exclude, other))


def source_hash(fn: Callable[..., Any]) -> str:
    """Return the hash of a function's source or, where there is none, of its code."""
    try:
        return _source_hash(fn)
    except TypeError:
        # A callable object without a hash of its own.
        return _source_hash.__wrapped__(fn)


@lru_cache(maxsize=1024)
def _source_hash(fn: Callable[..., Any]) -> str:
    try:
        return hash_values(inspect.getsource(fn))
    except (OSError, TypeError):
        code = getattr(fn, "__code__", None)
        if isinstance(fn, partial):
            return hash_values(source_hash(fn.func), fn.args, fn.keywords)
        if code is None:
            kind = type(fn)
            return hash_values(kind.__module__, kind.__qualname__, getattr(fn, "__dict__", None))
        return hash_values(code.co_code, repr(code.co_consts), code.co_names)


def is_of_one_task(policy: CachePolicy) -> bool:
    """Whether only Headgate's own policies make the key, so that no two tasks may share it.

    A function or a class of the user's may mean two tasks to.
    """
    own = (Inputs, TaskSource, FlowParameters, RunId)
    return all(isinstance(part, own) for part in _parts(policy))


def names_run(policy: CachePolicy) -> bool:
    """Whether the keys of a policy are those of one run."""
    return any(isinstance(part, RunId) for part in _parts(policy))


def task_input_hash(context: Any, arguments: dict[str, Any]) -> str | None:
    """Return a key of a task and its arguments: a ``cache_key_fn`` that Prefect's users know."""
    fn = context.task.fn
    code = getattr(fn, "__code__", None)
    told = source_hash(fn) if code is None else code.co_code
    return hash_values(context.task.spec.key, told, arguments)


def _parts(policy: CachePolicy) -> tuple[CachePolicy, ...]:
    return tuple(policy.policies) if isinstance(policy, CompoundCachePolicy) else (policy,)


def _shared_options(one: CachePolicy, other: CachePolicy) -> dict[str, Any]:
    """Return the options of two policies, as far as they agree.

    Raises:
        ValueError: they differ in one.
    """
    options: dict[str, Any] = {}
    for name in ("key_storage", "isolation_level", "lock_manager"):
        found = [value for value in (getattr(one, name), getattr(other, name)) if value is not None]
        if len(found) > 1 and found[0] != found[1]:
            message = f"Two policies with a different {name} cannot be added: configure the sum"
            raise ValueError(message)
        options[name] = found[0] if found else None
    return options


def _check_input_name(name: object) -> None:
    if not isinstance(name, str):
        message = f"Only the name of an input can be taken off a policy, not {name!r}"
        raise TypeError(message)


def _unhashable(inputs: dict[str, Any]) -> str | None:
    for name, value in inputs.items():
        try:
            hash_values(value)
        except HeadgateError:
            return f"The argument {name!r}"
    return None


INPUTS = Inputs()
NONE = NoCachePolicy()
NO_CACHE = NONE
TASK_SOURCE = TaskSource()
FLOW_PARAMETERS = FlowParameters()
RUN_ID = RunId()
DEFAULT = INPUTS + TASK_SOURCE + RUN_ID
_None = NoCachePolicy
