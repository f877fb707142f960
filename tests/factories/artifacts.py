"""What a run leaves behind: an artifact, assets, a cached result."""

from headgate_server.domain import ids
from headgate_server.domain.ids import Kind
from tests.factories.mutations import Json, mutate
from tests.fixtures.api import ApiClient
from tests.fixtures.installations import shown


async def leave_all(run: ApiClient, lease: Json, task_id: str) -> dict[Kind, str]:
    """Leave one of each, and return the ids of what has one."""
    note = {"flowRunId": lease["runId"], "type": "markdown", "key": "note", "data": "# Note"}
    made = await mutate(run, "artifactCreate", "artifact { id }", **note)
    cached = {"lease": lease, "key": "cached", "result": {"path": "s3://bucket/cached"}}
    await mutate(run, "cacheRecordWrite", "record { key }", **cached)
    table = {"id": shown(Kind.ASSET_MATERIALIZATION, ids.new_id()), "key": "s3://bucket/table"}
    report = {"assets": [table], "upstream": ["s3://bucket/raw"], "taskRunId": task_id}
    produced = await mutate(run, "assetMaterialize", "assets { id }", **report)
    return {Kind.ARTIFACT: made["artifact"]["id"], Kind.ASSET: produced["assets"][0]["id"]}
