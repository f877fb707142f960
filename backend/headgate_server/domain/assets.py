"""Assets: data that runs produce, where they come from, and how fresh they are."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from headgate_server.domain.artifacts import check_description, check_metadata, is_address
from headgate_server.domain.documents import is_storable
from headgate_server.domain.errors import InvalidInput

MAX_KEY_LENGTH = 512
MAX_NAME_LENGTH = 200
MAX_OWNERS = 50
MAX_TOGETHER = 100
"""So many assets one task materializes, and so many are upstream of them."""
MIN_FRESH, MAX_FRESH = timedelta(minutes=1), timedelta(days=3650)
_KEY = re.compile(r"[a-z][a-z0-9+.-]*://[^\s]+")


@dataclass(frozen=True, slots=True)
class AssetProperties:
    """What people are told of an asset; None leaves what is known."""

    name: str | None = None
    description: str | None = None
    owners: tuple[str, ...] | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Asset:
    """Data that runs produce, by the address where they lie."""

    workspace_id: UUID
    id: UUID
    key: str
    name: str | None
    description: str | None
    owners: tuple[str, ...]
    url: str | None
    fresh_for: timedelta | None
    materialized_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime

    def is_fresh(self, now: datetime) -> bool | None:
        """Whether it was materialized lately enough; None where nobody said how lately."""
        if self.fresh_for is None:
            return None
        return self.materialized_at is not None and now - self.materialized_at <= self.fresh_for


@dataclass(frozen=True, slots=True)
class NewMaterialization:
    """That a task has, or has not, produced an asset.

    Args:
        id: made by the client, so that a report that is sent again is stored once.
    """

    id: UUID
    key: str
    properties: AssetProperties = field(default_factory=AssetProperties)
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class MaterializationReport:
    """What one task run has produced, and from what.

    Args:
        made_by: the tool that did it, as dbt.
    """

    materialized: tuple[NewMaterialization, ...]
    upstream: tuple[str, ...] = ()
    is_success: bool = True
    made_by: str | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Materialization:
    """One time that an asset was produced, or was not."""

    workspace_id: UUID
    id: UUID
    asset_id: UUID
    is_success: bool
    made_by: str | None
    metadata: dict[str, Any]
    flow_run_id: UUID | None
    task_run_id: UUID | None
    made_at: datetime


def check_asset_key(key: str, *, field: str = "key") -> str:
    """Return the key of an asset: an address, as s3://bucket/orders.parquet.

    Raises:
        InvalidInput: any other text, or more than 512 characters.
    """
    is_good = len(key) <= MAX_KEY_LENGTH and _KEY.fullmatch(key) and is_storable(key)
    if not is_good or not key.isprintable():
        raise InvalidInput(
            f"{field} is an address of at most {MAX_KEY_LENGTH} characters without blanks, as "
            "s3://bucket/orders.parquet.",
            path=[field],
        )
    return key


def check_properties(properties: AssetProperties) -> AssetProperties:
    """Return properties that can be stored.

    Raises:
        InvalidInput: over-long texts, too many owners, or an address that is none.
    """
    _check_text(properties.name, field="name")
    _check_text_list(properties.owners or ())
    check_description(properties.description)
    if properties.url is not None and not is_address(properties.url):
        raise InvalidInput("url is an address of http or https.", path=["url"])
    return properties


def check_freshness(fresh_for: timedelta | None) -> timedelta | None:
    """Return how long an asset stays fresh.

    Raises:
        InvalidInput: less than a minute, or more than ten years.
    """
    if fresh_for is not None and not MIN_FRESH <= fresh_for <= MAX_FRESH:
        raise InvalidInput("freshFor is from 1 minute to 10 years.", path=["freshFor"])
    return fresh_for


def check_report(report: MaterializationReport) -> MaterializationReport:
    """Return a report that can be stored.

    Raises:
        InvalidInput: no assets, too many, one twice or upstream of itself, or a bad key or text.
    """
    keys = [one.key for one in report.materialized]
    if not 1 <= len(keys) <= MAX_TOGETHER or len(set(keys)) != len(keys):
        raise InvalidInput(
            f"1 to {MAX_TOGETHER} assets are materialized together, each once.", path=["assets"]
        )
    if len(report.upstream) > MAX_TOGETHER:
        raise InvalidInput(
            f"At most {MAX_TOGETHER} assets are upstream of others.", path=["upstream"]
        )
    for key in report.upstream:
        check_asset_key(key, field="upstream")
    if set(report.upstream) & set(keys):
        raise InvalidInput("No asset is upstream of itself.", path=["upstream"])
    for one in report.materialized:
        check_asset_key(one.key)
        check_properties(one.properties)
        check_metadata(one.metadata)
    _check_text(report.made_by, field="by")
    return report


def _check_text_list(texts: Sequence[str]) -> None:
    if len(texts) > MAX_OWNERS:
        raise InvalidInput(f"An asset has at most {MAX_OWNERS} owners.", path=["owners"])
    for text in texts:
        _check_text(text, field="owners")


def _check_text(text: str | None, *, field: str) -> None:
    if text is None:
        return
    if not 0 < len(text) <= MAX_NAME_LENGTH or not text.isprintable() or not is_storable(text):
        raise InvalidInput(
            f"{field} has 1 to {MAX_NAME_LENGTH} printable characters.", path=[field]
        )
