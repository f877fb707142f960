"""Every expected error of the client, in one tree; each says what the reader can do about it.

HeadgateError
    SettingsError                 a setting or profile is missing or wrong
        ProfileNotFoundError
    ApiError                      the server answered with an error, or not at all
        RetryableApiError         the same call may succeed later
            ServerUnavailableError, RateLimitedError
        UnauthenticatedError, BadRequestError, ServerFaultError
        RefusedError              a mutation's payload said no
            InvalidInputError, NotFoundError, ForbiddenError, ConflictError, VersionConflictError,
            LimitExceededError, IllegalTransitionError, LeaseLostError, SessionFencedError,
            IdempotencyMismatchError
    RunError                      something about a flow or task run
        MissingContextError, ParameterError, EntrypointError, UpstreamTaskError, RunTimeoutError,
        FailedRun, CrashedRun, CancelledRun, PausedRun, UnfinishedRun, FlowPauseTimeout,
        PauseRejected
    ConcurrencyError              slots of a concurrency limit cannot be had
        SlotTimeoutError, SlotsLostError
    BlockError                    a block cannot be used as it is
        SecretsOutsideRunError, UnknownBlockTypeError, BlockDoesNotFitError, MissingExtraError,
            OutsideFolderError
        SecretReferenceError      a secret of the customer's own store cannot be had
            InvalidSecretReferenceError, UnknownSecretStoreError, SecretNotFoundError,
            SecretRefusedError, SecretStoreUnavailableError
    ResultError                   SerializationError, ResultTooLargeError, MissingResult
"""

from collections.abc import Mapping, Sequence
from typing import Any


class HeadgateError(Exception):
    """The base of every error that Headgate raises on purpose."""


class SettingsError(HeadgateError):
    """A setting is missing or malformed; the message names it and the value it needs."""


class ProfileNotFoundError(SettingsError):
    """No profile has this name; ``headgate profiles list`` shows those that exist."""


class ApiError(HeadgateError):
    """The server could not be asked, or answered with an error.

    Args:
        message: what the server (or the network) said, safe to show.
        code: the stable code of the error, as in the API reference.
        error_id: the id under which the server logged a masked fault.
    """

    default_code = "INTERNAL"

    def __init__(
        self, message: str, *, code: str | None = None, error_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.error_id = error_id

    def __str__(self) -> str:
        suffix = f" (error id {self.error_id})" if self.error_id else ""
        return f"{self.message}{suffix}"


class RetryableApiError(ApiError):
    """The call failed for a reason that passes by itself: ask again later.

    Args:
        retry_after_seconds: the server's own wish, when it has one.
    """

    default_code = "UNAVAILABLE"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        error_id: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message, code=code, error_id=error_id)
        self.retry_after_seconds = retry_after_seconds


class ServerUnavailableError(RetryableApiError):
    """The server cannot be reached or cannot answer now; check HEADGATE_API_URL and the network."""


class RateLimitedError(RetryableApiError):
    """Too many calls; wait as long as ``retry_after_seconds`` says."""

    default_code = "RATE_LIMITED"


class SuspendedError(RetryableApiError):
    """The operators of the installation have suspended the organization: only they can end that."""

    default_code = "SUSPENDED"


class UnauthenticatedError(ApiError):
    """The key is missing, wrong, expired or revoked; check HEADGATE_API_KEY or the profile."""

    default_code = "UNAUTHENTICATED"


class BadRequestError(ApiError):
    """The server could not read the request; client and server versions may not fit together."""

    default_code = "BAD_REQUEST"


class TooLargeError(BadRequestError):
    """The request is larger than the server takes."""


class ServerFaultError(ApiError):
    """The server failed; its log holds the cause under ``error_id``."""


class RefusedError(ApiError):
    """The server understood the call and said no.

    Args:
        path: the input field at fault, outermost first; empty when no field is.
        facts: what the server added, such as ``limit`` and ``current``.
    """

    default_code = "INVALID"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        path: Sequence[str] = (),
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.path = tuple(path)
        self.facts: dict[str, Any] = dict(facts or {})


class InvalidInputError(RefusedError):
    """An input is out of range or malformed; ``path`` names it."""


class NotFoundError(RefusedError):
    """No such object, or this key may not see it."""

    default_code = "NOT_FOUND"


class ForbiddenError(RefusedError):
    """The key lacks a scope; ``facts["missingScopes"]`` names it."""

    default_code = "FORBIDDEN"


class ConflictError(RefusedError):
    """Something else already holds this name, key or place."""

    default_code = "CONFLICT"


class VersionConflictError(RefusedError):
    """The object changed since it was read; read it again and repeat the change."""

    default_code = "VERSION_CONFLICT"


class LimitExceededError(RefusedError):
    """A quota is used up; ``facts`` says which and how far."""

    default_code = "LIMIT_EXCEEDED"


class IllegalTransitionError(RefusedError):
    """The run cannot go from its state to the proposed one."""

    default_code = "ILLEGAL_TRANSITION"


class LeaseLostError(RefusedError):
    """Another attempt owns the run now; this one must stop and report nothing more."""

    default_code = "LEASE_LOST"


class SessionFencedError(RefusedError):
    """A newer process took over this agent's name; this one must stop."""

    default_code = "SESSION_FENCED"


class IdempotencyMismatchError(RefusedError):
    """The idempotency key was used before with another body; choose a fresh one."""

    default_code = "IDEMPOTENCY_MISMATCH"


class ConcurrencyError(HeadgateError):
    """Slots of a concurrency limit cannot be had; the message says which."""


class SlotTimeoutError(ConcurrencyError, TimeoutError):
    """No slots came free in time: wait longer, or see who holds them."""


class SlotsLostError(ConcurrencyError):
    """The slots were not renewed in time, and others may have had them meanwhile."""


class BlockError(HeadgateError):
    """A block cannot be used as it is; the message says what to do."""


class SecretsOutsideRunError(BlockError):
    """The block holds secrets, which only a run's own process reads: load it inside of a flow."""


class UnknownBlockTypeError(BlockError):
    """No class of this process is of the block's type: import the module that defines it."""


class BlockDoesNotFitError(BlockError, ValueError):
    """The block was filled in for other fields than its class has; fill it in again."""


class SecretReferenceError(BlockError):
    """A secret that lies in another store cannot be had; the message says which one, and why."""


class InvalidSecretReferenceError(SecretReferenceError):
    """What stands in the place of the secret is no reference to one; correct the block."""


class UnknownSecretStoreError(SecretReferenceError):
    """No module of this process knows the kind of store; the message lists those that are known."""


class SecretNotFoundError(SecretReferenceError):
    """The store has no such secret, or not this field or version of it."""


class SecretRefusedError(SecretReferenceError):
    """The store, or whoever operates the agent, does not let blocks read the secret."""


class SecretStoreUnavailableError(SecretReferenceError):
    """The store does not answer, or the agent was not told where it is and who asks."""


class OutsideFolderError(BlockError, ValueError):
    """The path leads out of the block's folder; name one below it."""


class MissingExtraError(BlockError, ImportError):
    """A library is not installed where this runs; the message says how to install it."""


class ArtifactError(HeadgateError, ValueError):
    """What was to become an artifact cannot be stored; the message says why."""


class EventError(HeadgateError, ValueError):
    """What was to be told as an event cannot be; the message says why."""


class AssetError(HeadgateError, ValueError):
    """What was named is no asset of this task, or no asset at all; the message says why."""


class ResultError(HeadgateError):
    """The result of a task cannot be kept, or not be read again; the message says why."""


class MissingResult(ResultError):
    """A run kept no result that could be read here; the message says why."""


class SerializationError(ResultError, TypeError):
    """Nothing can stand for the value: choose another serializer, or do not keep it."""


class ResultTooLargeError(SerializationError):
    """The value is too large to be kept unless its task asks for it."""


class RunError(HeadgateError):
    """Something about a flow run or task run."""


class MissingContextError(RunError):
    """The call needs a running flow or task around it."""


class ParameterError(RunError, TypeError):
    """The arguments do not fit the signature or its type annotations."""


class EntrypointError(RunError):
    """The entrypoint names no flow; it has the form ``path/file.py:flow_function``."""


class RunTimeoutError(RunError, TimeoutError):
    """The run took longer than its ``timeout_seconds``."""


class UnfinishedRun(RunError):
    """The run has no result yet."""


class UpstreamTaskError(UnfinishedRun):
    """A task that this one needs did not complete, so this one never started."""


class PausedRun(UnfinishedRun):
    """The run is paused and has no result yet."""


class FlowPauseTimeout(RunError, TimeoutError):
    """The flow run was paused, and nobody resumed it in time."""


class PauseRejected(RunError):
    """Somebody said no to what the flow run asked; the message says who, and why."""


class FailedRun(RunError):
    """The run failed without an exception of its own."""


class CrashedRun(RunError):
    """The run's process or machine went away."""


class CancelledRun(RunError):
    """The run was cancelled."""


_REFUSALS: Mapping[str, type[RefusedError]] = {
    kind.default_code: kind
    for kind in (
        InvalidInputError,
        NotFoundError,
        ForbiddenError,
        ConflictError,
        VersionConflictError,
        LimitExceededError,
        IllegalTransitionError,
        LeaseLostError,
        SessionFencedError,
        IdempotencyMismatchError,
    )
} | {"QUOTA_EXCEEDED": LimitExceededError, "ADDRESS_NOT_ALLOWED": ForbiddenError}
"""The last: the organization may not be reached from here, with whatever key."""

_RETRYABLE_CODES = frozenset({"UNAVAILABLE", "TIMEOUT"})


def refusal(error: Mapping[str, Any]) -> RefusedError:
    """Turn one entry of a payload's ``errors`` into its exception."""
    known = {"__typename", "code", "message", "path"}
    code = str(error.get("code", "INVALID"))
    return _REFUSALS.get(code, RefusedError)(
        str(error.get("message", "The server refused the call")),
        code=code,
        path=[str(part) for part in error.get("path") or ()],
        facts={key: value for key, value in error.items() if key not in known},
    )


def fault(error: Mapping[str, Any], *, retry_after_seconds: float | None = None) -> ApiError:
    """Turn one top-level GraphQL error into its exception."""
    extensions: Mapping[str, Any] = error.get("extensions") or {}
    message = str(error.get("message", "The server failed"))
    # A validation error of the GraphQL layer carries no code of ours.
    code = str(extensions.get("code", "BAD_REQUEST"))
    error_id = extensions.get("errorId")
    if code == "RATE_LIMITED":
        return RateLimitedError(message, retry_after_seconds=retry_after_seconds)
    if code in _RETRYABLE_CODES:
        return ServerUnavailableError(
            message, code=code, error_id=error_id, retry_after_seconds=retry_after_seconds
        )
    if code == SuspendedError.default_code:
        return SuspendedError(message, error_id=error_id)
    if code in {"UNAUTHENTICATED", "OLD_GENERATION"}:
        return UnauthenticatedError(message, error_id=error_id)
    if code in _REFUSALS:
        return _REFUSALS[code](message, code=code)
    if code == "BAD_REQUEST":
        return BadRequestError(message, error_id=error_id)
    return ServerFaultError(message, code=code, error_id=error_id)
