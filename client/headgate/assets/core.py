"""What an asset is, and what a running task says of it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headgate.api.calls import given
from headgate.engine.context import current_task_run
from headgate.errors import AssetError, MissingContextError
from headgate.texts import cut, storable_json

MAX_KEY = 512
_KEY = re.compile(r"[a-z][a-z0-9+.-]*://\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetProperties:
    """What people are told of an asset.

    Args:
        description: in Markdown.
        url: where people look at it.
        owners: who answers for it.
    """

    name: str | None = None
    description: str | None = None
    url: str | None = None
    owners: Sequence[str] | None = None

    def as_input(self) -> dict[str, Any]:
        """Return them as the API's ``AssetPropertiesInput``."""
        owners = None if self.owners is None else list(self.owners)
        return storable_json(
            given(name=self.name, description=self.description, url=self.url, owners=owners)
        )


@dataclass(frozen=True, slots=True)
class Asset:
    """Data that tasks produce, by the address where they lie.

    Args:
        key: an address, as ``s3://bucket/orders.parquet``; at most 512 characters.
        properties: what people are told of it; None leaves what is known.

    Raises:
        AssetError: the key is no address.
    """

    key: str
    properties: AssetProperties | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Check the key."""
        if len(self.key) > MAX_KEY or not _KEY.fullmatch(self.key) or not self.key.isprintable():
            message = (
                f"{self.key!r} is no key of an asset: it is an address of at most {MAX_KEY} "
                "characters without blanks, as s3://bucket/orders.parquet"
            )
            raise AssetError(message)

    @property
    def shown_key(self) -> str:
        """The key as it is told: secrets in it, as of a database's address, are masked."""
        return cut(self.key, limit=MAX_KEY)

    def add_metadata(self, metadata: Mapping[str, Any]) -> None:
        """Say something of this asset from the task that produces it; see add_asset_metadata."""
        add_asset_metadata(self, metadata)


def asset_of(asset: "str | Asset") -> Asset:
    """Return an asset, which may be given by its key alone."""
    return Asset(asset) if isinstance(asset, str) else asset


class Sayings:
    """What running tasks have said of their assets, until their runs end."""

    def __init__(self) -> None:
        self._said: dict[str, dict[str, dict[str, Any]]] = {}

    def add(self, task_run_id: str, *, key: str, metadata: Mapping[str, Any]) -> None:
        """Keep something of an asset, over what was said of it before."""
        said = self._said.setdefault(task_run_id, {}).setdefault(key, {})
        said.update(storable_json(dict(metadata)))

    def take(self, task_run_id: str) -> dict[str, dict[str, Any]]:
        """Return what was said in a task run, by the asset's key, and forget it."""
        return self._said.pop(task_run_id, {})


sayings = Sayings()


def add_asset_metadata(asset: str | Asset, metadata: Mapping[str, Any]) -> None:
    """Say something of an asset from the task that produces it: rows, a schema, whatever.

    It goes with the materialization as the run ends; several calls add up.

    Raises:
        MissingContextError: no task is around the call.
        AssetError: the task does not produce this asset.
    """
    context = current_task_run.get()
    if context is None:
        message = "add_asset_metadata() needs a task around it that materializes the asset"
        raise MissingContextError(message)
    wanted = asset_of(asset)
    produced: Sequence[Asset] = getattr(context.task, "assets", ())
    if wanted not in produced:
        message = f"The task {context.spec.name!r} does not materialize {wanted.key}"
        raise AssetError(message)
    sayings.add(context.run.id, key=wanted.key, metadata=metadata)
