"""The errors under the names that Prefect's users catch; the tree itself is in ``errors``."""

from typing import TYPE_CHECKING

from headgate import elsewhere
from headgate.errors import (
    ApiError,
    BlockError,
    CancelledRun,
    CrashedRun,
    EntrypointError,
    EventError,
    FailedRun,
    FlowPauseTimeout,
    HeadgateError,
    IllegalTransitionError,
    LimitExceededError,
    MissingContextError,
    MissingResult,
    ParameterError,
    PausedRun,
    ProfileNotFoundError,
    RunTimeoutError,
    SerializationError,
    SettingsError,
    UnfinishedRun,
    UpstreamTaskError,
)
from headgate.errors import ConflictError as ObjectAlreadyExists
from headgate.errors import NotFoundError as ObjectNotFound

PrefectException = HeadgateError
ParameterTypeError = ParameterBindError = SignatureMismatchError = ParameterError
MappingLengthMismatch = MappingMissingIterable = ParameterError
ConfigurationError = SettingsError
MissingProfileError = ProfileNotFoundError
MissingFlowError = UnspecifiedFlowError = ScriptError = InvalidRepositoryURLError = EntrypointError
ObjectLimitReached = LimitExceededError
NotPausedError = IllegalTransitionError
FlowRunWaitTimeout = RunTimeoutError
PrefectHTTPStatusError = ApiError
BlockMissingCapabilities = BlockError
EventTooLarge = EventError
PrefectImportError = ImportError

__all__ = [
    "BlockMissingCapabilities",
    "CancelledRun",
    "ConfigurationError",
    "CrashedRun",
    "EventTooLarge",
    "FailedRun",
    "FlowPauseTimeout",
    "FlowRunWaitTimeout",
    "HeadgateError",
    "InvalidRepositoryURLError",
    "MappingLengthMismatch",
    "MappingMissingIterable",
    "MissingContextError",
    "MissingFlowError",
    "MissingProfileError",
    "MissingResult",
    "NotPausedError",
    "ObjectAlreadyExists",
    "ObjectLimitReached",
    "ObjectNotFound",
    "ParameterBindError",
    "ParameterTypeError",
    "PausedRun",
    "PrefectException",
    "PrefectHTTPStatusError",
    "PrefectImportError",
    "ScriptError",
    "SerializationError",
    "SignatureMismatchError",
    "UnfinishedRun",
    "UnspecifiedFlowError",
    "UpstreamTaskError",
]

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
