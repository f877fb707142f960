"""Assets: data that tasks produce, by the address where they lie, with their lineage.

``@materialize("s3://bucket/orders.parquet")`` makes a task of a function, and every run of it that
completes a materialization of the asset; one that fails is kept as a failure. What the task names
in ``asset_deps``, and what the tasks whose results it was given materialized, is upstream.
"""

from headgate.assets.core import Asset, AssetProperties, add_asset_metadata
from headgate.assets.materializing import MaterializingTask, materialize

__all__ = ["Asset", "AssetProperties", "MaterializingTask", "add_asset_metadata", "materialize"]
