"""``@materialize``: what is reported of a task's assets, with lineage and metadata."""

from typing import Any

import pytest

from headgate import flow, task
from headgate.assets import Asset, AssetProperties, add_asset_metadata, materialize
from headgate.errors import AssetError, MissingContextError
from headgate.redaction import MASK, redactor
from tests.client.recording_server import RecordingServer

RAW, ORDERS, REPORT = "s3://bucket/raw", "s3://bucket/orders", "s3://bucket/report"


def sent(server: RecordingServer) -> list[dict[str, Any]]:
    return [
        call.variables["input"] for call in server.calls if call.operation == "AssetMaterialize"
    ]


def test_a_run_of_the_task_is_a_materialization_with_its_lineage(server: RecordingServer) -> None:
    orders = Asset(ORDERS, AssetProperties(name="Orders", owners=["ann"]))

    @materialize(orders, by="dbt", asset_deps=[RAW])
    def load() -> int:
        orders.add_metadata({"rows": 1})
        add_asset_metadata(ORDERS, {"rows": 2, "bytes": 3})
        return 1

    @materialize(REPORT)
    def summarize(rows: int) -> int:
        return rows

    @flow
    def work() -> int:
        return summarize.submit(load.submit()).result()  # type: ignore[arg-type]  # a future stands for its result

    assert work() == 1

    first, second = sent(server)
    run = server.only_run()
    made = first["assets"][0]
    assert (made["key"], made["properties"], made["metadata"]) == (
        ORDERS,
        {"name": "Orders", "owners": ["ann"]},
        {"rows": 2, "bytes": 3},
    )
    assert (first["upstream"], first["by"], first["succeeded"]) == ([RAW], "dbt", True)
    assert (first["flowRunId"], first["taskRunId"]) == (run.id, next(iter(run.tasks)))
    assert (second["assets"][0]["key"], second["upstream"]) == (REPORT, [ORDERS])
    assert made["id"].startswith("mat_")


def test_secrets_are_masked_in_the_addresses_of_assets(server: RecordingServer) -> None:
    redactor.add("hunter2-of-assets")
    database, deep = [f"{kind}://me:hunter2-of-assets@host/orders" for kind in ("pg", "deep")]

    @materialize(database, by="hunter2-of-assets", asset_deps=[deep])
    def load() -> int:
        add_asset_metadata(database, {"rows": 2})
        return 1

    @materialize(REPORT, asset_deps=[database])
    def summarize() -> None:
        pass

    @flow
    def work() -> None:
        load()
        summarize()

    work()

    first, second = sent(server)
    (made,) = first["assets"]
    assert (made["key"], made["metadata"]) == (f"pg://me:{MASK}@host/orders", {"rows": 2})
    assert (first["upstream"], first["by"]) == ([f"deep://me:{MASK}@host/orders"], MASK)
    assert second["upstream"] == [made["key"]]


def test_a_task_that_fails_is_kept_as_a_failure(server: RecordingServer) -> None:
    @materialize(ORDERS, retries=1)
    def load() -> None:
        raise ValueError("no")

    @flow
    def work() -> None:
        load(return_state=True)

    work()

    assert [one["succeeded"] for one in sent(server)] == [False]


def test_options_change_and_hooks_stay(server: RecordingServer) -> None:
    seen: list[str] = []

    @materialize(ORDERS)
    def load() -> None:
        pass

    @load.on_completion
    def note(task_: Any, run: Any, state: Any) -> None:
        seen.append(run.name)

    changed = load.with_options(name="renamed", assets=[REPORT])

    @flow
    def work() -> None:
        changed()

    work()

    (one,) = sent(server)
    assert [asset["key"] for asset in one["assets"]] == [REPORT]
    assert len(seen) == 1
    assert note.__name__ == "note"


def test_metadata_needs_a_task_that_materializes_the_asset() -> None:
    @task
    def plain() -> None:
        add_asset_metadata(ORDERS, {"rows": 1})

    @flow
    def work() -> None:
        with pytest.raises(AssetError, match="does not materialize"):
            plain()

    work()
    with pytest.raises(MissingContextError):
        add_asset_metadata(ORDERS, {"rows": 1})


@pytest.mark.parametrize("key", ["orders", "s3://a b", "s3://" + "x" * 512])
def test_a_key_is_an_address(key: str) -> None:
    with pytest.raises(AssetError, match="is an address"):
        materialize(key)(lambda: None)


def test_a_task_materializes_something() -> None:
    with pytest.raises(AssetError, match="needs the key"):
        materialize()(lambda: None)
