"""What the options of a decorator say about results, checked and put together."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from headgate.cache_policies import NO_CACHE, CachePolicy, NoCachePolicy
from headgate.logs import ENGINE
from headgate.results.storages import make_storage
from headgate.serializers import make_serializer
from headgate.specs import ResultOptions

logger = logging.getLogger(ENGINE)


def declared_results(options: Mapping[str, Any]) -> ResultOptions:
    """Return what a task declares about its results.

    Whatever says how results are kept or cached also says that they are.

    Raises:
        ValueError: an expiration that is not later, or no such serializer.
        TypeError: the cache policy is none.
        SettingsError: the storage keeps no files.
    """
    policy = _policy_of(options)
    expiration: timedelta | None = options.get("cache_expiration")
    if expiration is not None and expiration <= timedelta(0):
        message = f"cache_expiration must be longer than nothing, not {expiration}"
        raise ValueError(message)
    is_kept: bool | None = options.get("persist_result")
    storage, serializer = _checked_place(options)
    storage_key = options.get("result_storage_key")
    has_policy = policy is not None and not isinstance(policy, NoCachePolicy)
    if is_kept is None and any((has_policy, storage is not None, serializer, storage_key)):
        is_kept = True
    if is_kept is False and has_policy:
        logger.warning("A cache needs results that are kept: persist_result=False turns it off")
        policy = NO_CACHE
    return ResultOptions(
        is_kept=is_kept,
        policy=policy,
        expiration_seconds=None if expiration is None else expiration.total_seconds(),
        is_refreshed=options.get("refresh_cache"),
        storage=storage,
        serializer=serializer,
        storage_key=storage_key,
    )


def flow_results(options: Mapping[str, Any]) -> ResultOptions:
    """Return what a flow declares about the results of its tasks.

    Raises:
        ValueError: there is no such serializer.
        SettingsError: the storage keeps no files.
    """
    storage, serializer = _checked_place(options)
    is_kept: bool | None = options.get("persist_result")
    if is_kept is None and (storage is not None or serializer):
        is_kept = True
    return ResultOptions(is_kept=is_kept, storage=storage, serializer=serializer)


def _policy_of(options: Mapping[str, Any]) -> CachePolicy | None:
    policy = options.get("cache_policy")
    key_fn = options.get("cache_key_fn")
    if policy is not None and not isinstance(policy, CachePolicy):
        message = f"cache_policy is one of headgate.cache_policies, not {policy!r}"
        raise TypeError(message)
    if key_fn is None:
        # None that was said means what it says; nothing said leaves the default.
        return NO_CACHE if policy is None and "cache_policy" in options else policy
    if policy is not None:
        logger.warning("Both cache_policy and cache_key_fn are given: cache_key_fn counts")
    if isinstance(policy, CachePolicy):
        return CachePolicy.from_cache_key_fn(key_fn).configure(
            policy.key_storage, policy.lock_manager, policy.isolation_level
        )
    return CachePolicy.from_cache_key_fn(key_fn)


def _checked_place(options: Mapping[str, Any]) -> tuple[Any, Any]:
    storage, serializer = options.get("result_storage"), options.get("result_serializer")
    if serializer is not None:
        make_serializer(serializer)
    return None if storage is None else make_storage(storage), serializer
