"""What the demo's runs leave behind: artifacts of every type, assets with their lineage."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from headgate_server.operating.demo.definitions import Workspace
from headgate_server.operating.demo.drafts import Draft

_TABLE = [
    {"lane": "HAM-ROT", "trips": 412, "late": 9, "margin": 0.113},
    {"lane": "ROT-ANR", "trips": 388, "late": 31, "margin": 0.087},
    {"lane": "MIL-MUC", "trips": 205, "late": 2, "margin": 0.142},
]
_ARTIFACTS: tuple[tuple[str, str, Any, str], ...] = (
    ("lane-margins", "table", _TABLE, "Margin by lane, last four hours"),
    (
        "congestion-note",
        "markdown",
        "## Rotterdam\n\nWaiting **11 h**, up from 7 h.\n\n| berth | ships |\n|-|-|\n| A | 4 |\n",
        "What the model says",
    ),
    ("co2-dashboard", "link", {"link": "https://dashboards.example/co2", "text": "CO2"}, ""),
    ("yard-heat-map", "image", "https://images.example/yard.png", "The yard at 06:00"),
    ("archive-progress", "progress", 64.5, "Rows archived"),
)
_CHAIN = ("s3://lake/orders/raw", "postgres://warehouse/orders", "postgres://warehouse/margins")


def draw_products(draft: Draft, workspace: Workspace) -> None:
    """Add artifacts of runs of a workspace, and its assets."""
    runs = [
        row
        for row in draft.rows["flow_runs"]
        if row["workspace_id"] == workspace.id and row["state_type"] == "COMPLETED"
    ][-10:]
    place = {"workspace_id": workspace.id}
    for nth, (key, type_, data, said) in enumerate(_ARTIFACTS):
        for version in (2, 1):
            run = runs[-1 - (nth + version) % len(runs)]
            id_, at = draft.id(run["ended_at"]), run["ended_at"] - timedelta(hours=version - 1)
            draft.add(
                "artifacts",
                **place,
                id=id_,
                key=key,
                type=type_,
                description=said,
                data=data,
                flow_run_id=run["id"],
                size_bytes=len(str(data)),
                created_at=at,
                updated_at=at,
            )
            if version == 1:
                draft.add("artifact_keys", **place, key=key, artifact_id=id_, created_at=at)
    _draw_assets(draft, workspace.id, runs)


def _draw_assets(draft: Draft, workspace_id: UUID, runs: list[dict[str, Any]]) -> None:
    place = {"workspace_id": workspace_id}
    before = None
    for nth, key in enumerate(_CHAIN):
        run, id_ = runs[-1 - nth % len(runs)], draft.id()
        made_at = run["ended_at"]
        draft.add(
            "assets",
            **place,
            id=id_,
            key=key,
            name=key.rpartition("/")[2],
            description="Kept by the flows of this workspace.",
            owners=["data-platform"],
            fresh_seconds=3600 * (1 + 23 * nth),
            materialized_at=made_at,
        )
        for days in range(3):
            draft.add(
                "asset_materializations",
                **place,
                id=draft.id(made_at - timedelta(days=days)),
                asset_id=id_,
                flow_run_id=run["id"] if days == 0 else None,
                is_success=days != 1,
                made_by="dbt",
                metadata={"rows": 48_211 - days * 503},
                made_at=made_at - timedelta(days=days),
            )
        if before is not None:
            draft.add("asset_edges", **place, downstream_id=id_, upstream_id=before)
        before = id_
