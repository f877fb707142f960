"""Members, invitations, teams, roles, machines, the audit log and quotas, over a real server."""

import json

import pytest

from tests.e2e.dev_server import DevServer

pytestmark = pytest.mark.e2e

OWNER = "owner@localhost"


def test_members_are_listed_and_shown_with_their_roles(cli_server: DevServer) -> None:
    (listed,) = cli_server.read("members", "list")
    by_address = cli_server.read("members", "get", OWNER)
    by_name = cli_server.read("members", "get", "owner")
    unknown = cli_server.here("members", "get", "ownr@localhost")

    assert listed["user"]["email"] == OWNER
    assert [binding["role"]["name"] for binding in listed["bindings"]] == ["Owner"]
    assert by_address == by_name == listed
    assert (unknown.code, unknown.out) == (4, "")
    assert f"Did you mean {OWNER}?" in unknown.err


def test_invitation_is_made_listed_and_revoked(cli_server: DevServer) -> None:
    place = cli_server.workspace.partition("/")[2]
    invited = cli_server.here(
        *("members", "invite", "ana@example.com", "--role", "viewer", "--workspace", place)
    )
    (listed,) = cli_server.read("invitations", "list")
    unsure = cli_server.here("invitations", "revoke", "ana@example.com")
    revoked = cli_server.here("invitations", "revoke", "ANA@example.com", "--yes")
    again = cli_server.here("invitations", "revoke", "ana@example.com", "--yes")
    nobody = cli_server.here("members", "invite", "bo@example.com", "--role", "viwer")

    assert (invited.code, invited.out.startswith("http")) == (0, True), invited.err
    assert (listed["email"], listed["workspace"]["slug"]) == ("ana@example.com", place)
    assert [role["name"] for role in listed["roles"]] == ["Viewer"]
    assert (unsure.code, revoked.code, again.code) == (2, 0, 4)
    assert (nobody.code, "Did you mean Viewer" in nobody.err) == (4, True)
    assert cli_server.read("invitations", "list") == []


def test_role_is_made_changed_given_taken_and_deleted(cli_server: DevServer) -> None:
    made = cli_server.read("roles", "set", "deployer", "--scope", "flows_write")
    changed = cli_server.read(
        *("roles", "set", "deployer", "--scope", "FLOWS_WRITE", "--scope", "RUNS_READ")
    )
    misspelt = cli_server.here("roles", "set", "deployer", "--scope", "RUNS_RED")
    given = cli_server.read("members", "bind", OWNER, "deployer", "--workspace", "default")
    kept = cli_server.here("roles", "delete", "deployer", "--yes")
    taken = cli_server.read("members", "unbind", OWNER, "deployer", "--workspace", "default")
    listed = cli_server.here("roles", "list")
    deleted = cli_server.here("roles", "delete", "deployer", "--yes")
    gone = cli_server.here("roles", "get", "deployer")

    assert (made["scopes"], changed["version"]) == (["FLOWS_WRITE"], made["version"] + 1)
    assert changed["scopes"] == ["FLOWS_WRITE", "RUNS_READ"]
    assert (misspelt.code, "Did you mean RUNS_READ" in misspelt.err) == (2, True)
    roles = [binding["role"]["name"] for binding in given["bindings"]]
    assert roles == ["Owner", "deployer"]
    assert [binding["role"]["name"] for binding in taken["bindings"]] == ["Owner"]
    assert any(line.split()[0] == "deployer" for line in listed.out.splitlines())
    assert (deleted.code, gone.code) == (0, 4)
    assert kept.code in {0, 5}


def test_last_owner_cannot_be_removed(cli_server: DevServer) -> None:
    unbound = cli_server.here("members", "unbind", OWNER, "owner")
    removed = cli_server.here("members", "remove", OWNER, "--yes")

    assert unbound.code != 0
    assert removed.code != 0
    assert [one["user"]["email"] for one in cli_server.read("members", "list")] == [OWNER]


def test_team_holds_roles_and_members(cli_server: DevServer) -> None:
    made = cli_server.read("teams", "create", "data")
    twice = cli_server.here("teams", "create", "data")
    renamed = cli_server.read("teams", "rename", "data", "platform")
    bound = cli_server.read("teams", "bind", "platform", "viewer", "--workspace", "default")
    joined = cli_server.read("teams", "add", "platform", OWNER)
    shown = cli_server.here("teams", "get", "platform")
    left = cli_server.read("teams", "remove", "platform", OWNER)
    unbound = cli_server.read("teams", "unbind", "platform", "viewer", "--workspace", "default")
    deleted = cli_server.here("teams", "delete", "platform", "--yes")

    assert (twice.code, renamed["id"]) == (5, made["id"])
    assert [one["role"]["name"] for one in bound["bindings"]] == ["Viewer"]
    assert [one["user"]["email"] for one in joined["members"]] == [OWNER]
    assert "Viewer in default" in shown.out
    assert (left["members"], unbound["bindings"]) == ([], [])
    assert deleted.code == 0
    assert cli_server.read("teams", "list") == []


def test_machine_holds_a_role_and_a_key_that_is_rotated(cli_server: DevServer) -> None:
    account = cli_server.read("service-accounts", "create", "ci")
    bound = cli_server.read("service-accounts", "bind", "ci", "viewer")
    key = cli_server.read(
        *("api-keys", "create", "ci-key", "--owner", account["id"], "--scope", "RUNS_READ")
    )
    unsure = cli_server.here("api-keys", "rotate", key["id"])
    rotated = cli_server.read("api-keys", "rotate", key["id"], "--yes")
    old = cli_server.here("flow-runs", "list", HEADGATE_API_KEY=key["secret"])
    new = cli_server.here("flow-runs", "list", HEADGATE_API_KEY=rotated["secret"])
    forbidden = cli_server.here("variables", "list", HEADGATE_API_KEY=rotated["secret"])
    deleted = cli_server.here("service-accounts", "delete", "ci", "--yes")

    assert [one["role"]["name"] for one in bound["roles"]] == ["Viewer"]
    assert (unsure.code, rotated["id"]) == (2, key["id"])
    assert (old.code, new.code, forbidden.code) == (3, 0, 3)
    assert deleted.code == 0
    assert cli_server.read("service-accounts", "list") == []


def test_audit_entries_are_filtered_and_exported(cli_server: DevServer) -> None:
    cli_server.here("variables", "set", "audited", "1")
    cli_server.here("variables", "delete", "audited", "--yes")

    found = cli_server.read("audit-entries", "list", "--action", "variable.*", "--since", "1h")
    by_me = cli_server.read("audit-entries", "list", "--actor", OWNER, "--workspace", "default")
    here = cli_server.here("audit-entries", "export", "--action", "variable.deleted")
    before = cli_server.read("audit-entries", "list", "--until", "2020-01-01")
    bad = cli_server.here("audit-entries", "list", "--since", "yesterday")

    assert [entry["action"] for entry in found][:2] == ["variable.deleted", "variable.created"]
    assert {entry["actor"]["displayName"] for entry in by_me} == {"Owner"}
    lines = [json.loads(line) for line in here.out.splitlines()]
    # Other tests may have deleted variables of this server before.
    assert {one["action"] for one in lines} == {"variable.deleted"}
    assert [one["targetName"] for one in lines].count("audited") == 1
    assert here.err == f"{len(lines)} entries.\n"
    assert before == []
    assert (bad.code, "neither a time nor a length" in bad.err) == (2, True)


def test_quotas_and_usage_are_listed(cli_server: DevServer) -> None:
    quotas = {one["kind"]: one for one in cli_server.read("quotas", "list")}
    table = cli_server.here("quotas", "list")
    days = cli_server.read("quotas", "usage", "--days", "1")

    assert quotas["MEMBERS"]["used"] == 1
    assert "runs per day" in table.out
    assert len(days) <= 1


def test_workspace_is_created_and_reached_by_the_global_option(cli_server: DevServer) -> None:
    made = cli_server.here("workspaces", "create", "second", "--name", "The second")
    listed = cli_server.read("--workspace", "default/second", "flows", "list")
    again = cli_server.here("workspaces", "create", "second")
    unknown = cli_server.here("--workspace", "default/third", "flows", "list")

    assert (made.code, again.code, unknown.code) == (0, 5, 4), (made.err, unknown.err)
    assert listed == []
