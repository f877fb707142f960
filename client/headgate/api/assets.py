"""Assets over the API: report materializations, describe, find, list, delete."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from headgate.api.calls import PAGE_SIZE, Answer, Page, ask_workspace, change, given, read_page
from headgate.api.flow_runs import Named
from headgate.api.transport import Transport

NOUN = "assets"


class AssetAnswer(Answer, frozen=True):
    """An asset as the API shows it.

    Args:
        fresh: None where nobody said how fresh it must be.
    """

    id: str
    key: str
    name: str | None
    description: str | None
    owners: list[str]
    url: str | None
    fresh_for: timedelta | None
    fresh: bool | None
    materialized_at: datetime | None
    version: int


class Materialization(Answer, frozen=True):
    """One time that an asset was produced, or was not."""

    succeeded: bool
    by: str | None
    metadata: dict[str, Any]
    at: datetime
    flow_run: Named | None = None


class WholeAsset(AssetAnswer, frozen=True):
    """An asset with what it is made from, what is made from it, and its latest materialization.

    Args:
        upstream_more: how many more it is made from than are named, and
        downstream_more: how many more are made from it.
    """

    upstream: list[str]
    upstream_more: int
    downstream: list[str]
    downstream_more: int
    latest: Materialization | None


async def materialize(
    transport: Transport, *, input: dict[str, Any], deadline_seconds: float | None = None
) -> None:
    """Report what a task has produced; safe to repeat with the ids in the input.

    Args:
        input: as the API's ``AssetMaterializeInput``.
    """
    await change(
        transport, NOUN, "AssetMaterialize", input=input, deadline_seconds=deadline_seconds
    )


async def upsert(transport: Transport, *, input: dict[str, Any]) -> AssetAnswer:
    """Make an asset, or change what is said of it.

    Args:
        input: as the API's ``AssetUpsertInput``.
    """
    payload = await change(transport, NOUN, "AssetUpsert", input=input)
    return msgspec.convert(payload["asset"], AssetAnswer)


async def delete(transport: Transport, *, asset_id: str) -> None:
    """Delete an asset with its history; the data stay where they are.

    Raises:
        NotFoundError: there is none, or this key may not see it.
    """
    await change(transport, NOUN, "AssetDelete", input={"id": asset_id})


async def find(
    transport: Transport, *, organization: str, workspace: str, key: str
) -> WholeAsset | None:
    """Return the asset of a key, with its lineage, if there is one."""
    place = await ask_workspace(
        transport, NOUN, "Asset", organization=organization, workspace=workspace, key=key
    )
    found = place["asset"]
    if found is None:
        return None
    made = found.pop("materializations")["nodes"]
    for end in ("upstream", "downstream"):
        found[end] = [one["key"] for one in found[end]]
    return msgspec.convert({**found, "latest": made[0] if made else None}, WholeAsset)


async def list_assets(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    filter: dict[str, Any] | None = None,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[AssetAnswer]:
    """Return assets by key."""
    place = await ask_workspace(
        transport,
        NOUN,
        "Assets",
        **given(filter=filter, after=after),
        organization=organization,
        workspace=workspace,
        first=first,
    )
    return read_page(place["assets"], item=AssetAnswer)
