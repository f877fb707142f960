"""The errors under the names that Prefect's users catch; the tree itself is in ``errors``."""

from headgate.errors import (
    CancelledRun,
    CrashedRun,
    FailedRun,
    FlowPauseTimeout,
    HeadgateError,
    MissingContextError,
    MissingResult,
    ParameterError,
    PausedRun,
    SettingsError,
    UnfinishedRun,
    UpstreamTaskError,
)
from headgate.errors import ConflictError as ObjectAlreadyExists
from headgate.errors import EntrypointError as MissingFlowError
from headgate.errors import NotFoundError as ObjectNotFound

PrefectException = HeadgateError
ParameterTypeError = ParameterBindError = SignatureMismatchError = ParameterError
MappingLengthMismatch = MappingMissingIterable = ParameterError
ConfigurationError = SettingsError

__all__ = [
    "CancelledRun",
    "ConfigurationError",
    "CrashedRun",
    "FailedRun",
    "FlowPauseTimeout",
    "HeadgateError",
    "MappingLengthMismatch",
    "MappingMissingIterable",
    "MissingContextError",
    "MissingFlowError",
    "MissingResult",
    "ObjectAlreadyExists",
    "ObjectNotFound",
    "ParameterBindError",
    "ParameterTypeError",
    "PausedRun",
    "PrefectException",
    "SignatureMismatchError",
    "UnfinishedRun",
    "UpstreamTaskError",
]
