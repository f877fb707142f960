"""``headgate assets``: list, inspect, delete."""

from functools import partial
from typing import Annotated

from cyclopts import Parameter

from headgate.api import assets
from headgate.api.assets import AssetAnswer, WholeAsset
from headgate.cli.confirming import YesOption, confirm
from headgate.cli.connection import Server, connect
from headgate.cli.failures import CommandError, ExitCode, near_names
from headgate.cli.flow_runs import LimitOption
from headgate.cli.names import KNOWN_NAMES
from headgate.cli.output import Columns, OutputOption, age, say, show_item, show_list, span

AssetKey = Annotated[str, Parameter(help="its key, as s3://bucket/orders.parquet")]


def list_assets(
    *,
    starts_with: Annotated[
        str | None, Parameter(help="only those whose key starts so, as s3://bucket/")
    ] = None,
    limit: LimitOption = 50,
    output: OutputOption = "table",
) -> None:
    """List assets by key."""
    filter_ = {"key": {"startsWith": starts_with}} if starts_with else None
    with connect() as server:
        lister = partial(assets.list_assets, filter=filter_)
        found = server.collect(lister, limit=limit, is_told=output == "table")
    columns: Columns[AssetAnswer] = {
        "key": lambda asset: asset.key,
        "name": lambda asset: asset.name,
        "owners": lambda asset: asset.owners,
        "materialized": lambda asset: age(asset.materialized_at),
        "fresh": lambda asset: asset.fresh,
    }
    show_list(found, columns=columns, output=output)


def inspect_asset(key: AssetKey, /, *, output: OutputOption = "table") -> None:
    """Show an asset with what it is made from and what is made from it."""
    with connect() as server:
        found = _get(server, key)
    fields: Columns[WholeAsset] = {
        "key": lambda asset: asset.key,
        "id": lambda asset: asset.id,
        "name": lambda asset: asset.name,
        "description": lambda asset: asset.description,
        "owners": lambda asset: asset.owners,
        "url": lambda asset: asset.url,
        "materialized": lambda asset: age(asset.materialized_at),
        "fresh for": lambda asset: span(asset.fresh_for),
        "fresh": lambda asset: asset.fresh,
        "upstream": lambda asset: asset.upstream,
        "upstream more": lambda asset: asset.upstream_more,
        "downstream": lambda asset: asset.downstream,
        "downstream more": lambda asset: asset.downstream_more,
        "metadata": lambda asset: asset.latest.metadata if asset.latest else None,
    }
    show_item(found, fields=fields, output=output)


def delete_asset(key: AssetKey, /, *, yes: YesOption = False) -> None:
    """Delete an asset with its history; the data stay where they are."""
    with connect() as server:
        found = _get(server, key)
        confirm(f"Delete the asset {found.key} with its history", is_sure=yes)
        server.call(assets.delete, asset_id=found.id)
    say(f"Deleted the asset {found.key}.")


def _get(server: Server, key: str) -> WholeAsset:
    place = {"organization": server.organization, "workspace": server.workspace}
    found = server.call(assets.find, **place, key=key)
    if found is not None:
        return found
    known = server.collect(assets.list_assets, limit=KNOWN_NAMES, is_told=False)
    raise CommandError(
        f"There is no asset {key!r} in {server.organization}/{server.workspace}",
        code=ExitCode.NOT_FOUND,
        hints=near_names(key, known=(asset.key for asset in known), listing="headgate assets list"),
    )
