"""The demo: the same each time, whole at any scale, and never among what others have made."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.domain.errors import Conflict
from headgate_server.domain.job_templates import check_template
from headgate_server.operating.demo.catalog import read_catalog
from headgate_server.operating.demo.drafts import Draft
from headgate_server.operating.demo.seeding import DemoOptions, draw_demo, seed
from headgate_server.services.bootstrap import bootstrap_dev
from headgate_server.services.workspace_keys import Keyring
from tests.factories.tenants import make_tenant
from tests.fixtures.installations import key_providers
from tests.fixtures.sql import query

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
PEPPER = "the pepper of a demo"
SCALE = 0.005


def drawn(scale: float) -> Draft:
    draft = Draft(AT, scale=scale)
    draw_demo(draft, read_catalog())
    return draft


def test_demo_is_the_same_each_time_down_to_its_ids() -> None:
    first, second = drawn(SCALE), drawn(SCALE)

    assert first.rows == second.rows


def test_demo_has_everything_that_pages_have_to_show() -> None:
    rows = drawn(0.1).rows

    assert {name: len(rows[name]) for name in ("organizations", "workspaces", "flows")} == {
        "organizations": 3,
        "workspaces": 5,
        "flows": 40,
    }
    assert len(rows["work_pools"]) == 6
    for pool in rows["work_pools"]:
        check_template(pool["base_job_template"])
    assert 1_200 <= len(rows["flow_runs"]) < 1_300
    assert {row["state_type"] for row in rows["flow_runs"]} == {
        "SCHEDULED",
        "RUNNING",
        "PAUSED",
        "CANCELLING",
        "COMPLETED",
        "FAILED",
        "CRASHED",
        "CANCELLED",
    }
    coming = {row["schedule_id"] for row in rows["schedule_fires"] if row["fire_at"] > AT}
    assert coming == {row["id"] for row in rows["schedules"]}
    causes = Counter(row["late_cause"] for row in rows["flow_runs"] if row["late_cause"])
    assert causes == dict.fromkeys(["CONTROL_PLANE", "NO_AGENT", "LIMIT", "PAUSED"], 1)
    statuses = {row["status"] for row in rows["failure_groups"]}
    assert statuses == {"OPEN", "MUTED", "RESOLVED", "REGRESSED"}
    assert [row["state"] for row in rows["agent_sessions"]].count("LOST") == 1
    wide = Counter(row["flow_run_id"] for row in rows["task_runs"]).most_common(1)
    assert wide[0][1] == 1_000


@pytest.mark.anyio
async def test_demo_fills_an_installation_once(database: Database, urls: DatabaseUrls) -> None:
    await bootstrap_dev(database, pepper=PEPPER)
    options = DemoOptions(scale=SCALE, at=AT)
    keyring = Keyring(key_providers())
    said = await seed(database, options, keyring=keyring, pepper=PEPPER)
    again = await seed(database, options, keyring=keyring, pepper=PEPPER)

    assert "are owned by owner@localhost" in said
    assert again.startswith("The demo is here already")
    draft = drawn(SCALE)
    for table in ("flow_runs", "states", "task_runs", "failures", "events", "pauses"):
        count = await query(urls.owner, f"select count(*) from {table}")  # noqa: S608  names of ours
        assert count == len(draft.rows[table]), table
    lines = await query(urls.owner, "select count(*) from logs")
    assert lines == len(draft.rows["logs"]) + 5_000
    counted = await query(
        urls.owner, "select sum(size) from run_counts where scope_id = workspace_id"
    )
    assert counted == len(draft.rows["flow_runs"])
    sealed = await query(urls.owner, "select count(*) from block_secrets")
    assert sealed == 5 * 4


@pytest.mark.anyio
async def test_demo_stays_away_from_what_others_have_made(
    database: Database, urls: DatabaseUrls
) -> None:
    await make_tenant(database)
    await query(
        urls.owner,
        "insert into flows (workspace_id, id, name, created_by_kind, created_by_name) "
        "select id, gen_random_uuid(), 'theirs', 'system', 'Headgate' from workspaces",
    )

    with pytest.raises(Conflict, match="--beside-real-data"):
        await seed(database, DemoOptions(scale=SCALE), keyring=None, pepper=PEPPER)

    count = await query(urls.owner, "select count(*) from organizations")
    assert count == 1
