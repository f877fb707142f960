"""Settings: the environment over the active profile, and what is refused."""

from pathlib import Path

import pytest

from headgate import profiles
from headgate.errors import ProfileNotFoundError, SettingsError
from headgate.settings import RunAssignment, load_settings


def test_nothing_configured_is_local_mode(home: Path) -> None:
    settings = load_settings({"HEADGATE_HOME": str(home)})

    assert settings.is_local
    assert settings.home == home


def test_the_active_profile_is_used(home: Path) -> None:
    values = {"api_url": "http://127.0.0.1:1", "api_key": "k", "workspace": "acme/prod"}
    profiles.create_profile(home, name="one", values=values)

    settings = load_settings({"HEADGATE_HOME": str(home)})

    assert settings.api_url == "http://127.0.0.1:1"
    assert settings.api_key == "k"
    assert settings.require_workspace() == ("acme", "prod")
    assert settings.profile == "one"


def test_the_environment_wins_over_the_profile(home: Path) -> None:
    profiles.create_profile(home, name="one", values={"api_url": "http://a", "api_key": "k"})

    settings = load_settings({"HEADGATE_HOME": str(home), "HEADGATE_API_URL": "http://b"})

    assert (settings.api_url, settings.api_key) == ("http://b", "k")


def test_an_empty_url_means_local_mode_whatever_the_profile_says(home: Path) -> None:
    profiles.create_profile(home, name="one", values={"api_url": "http://a"})

    assert load_settings({"HEADGATE_HOME": str(home), "HEADGATE_API_URL": ""}).is_local


def test_a_process_may_choose_another_profile(home: Path) -> None:
    profiles.create_profile(home, name="one", values={"api_url": "http://a"})
    profiles.create_profile(home, name="two", values={"api_url": "http://b"})

    settings = load_settings({"HEADGATE_HOME": str(home), "HEADGATE_PROFILE": "two"})

    assert settings.api_url == "http://b"


def test_a_missing_chosen_profile_is_an_error(home: Path) -> None:
    with pytest.raises(ProfileNotFoundError, match="HEADGATE_PROFILE"):
        load_settings({"HEADGATE_HOME": str(home), "HEADGATE_PROFILE": "gone"})


@pytest.mark.parametrize("url", ["http://a:1", "http://a:1/", "http://a:1/graphql"])
def test_the_graphql_address_follows_from_the_base(home: Path, url: str) -> None:
    settings = load_settings({"HEADGATE_HOME": str(home), "HEADGATE_API_URL": url})

    assert settings.graphql_url == "http://a:1/graphql"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEADGATE_API_URL", "ftp://a"),
        ("HEADGATE_WORKSPACE", "acme"),
        ("HEADGATE_WORKSPACE", "a/b/c"),
        ("HEADGATE_LOG_PRINTS", "perhaps"),
        ("HEADGATE_LOG_LEVEL", "zz"),
        ("HEADGATE_API_KEY", "hg_key\nx"),
        ("HEADGATE_REPORT_INTERVAL_SECONDS", "soon"),
        ("HEADGATE_RENEW_INTERVAL_SECONDS", "-1"),
    ],
)
def test_a_malformed_value_is_refused_by_name(home: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load_settings({"HEADGATE_HOME": str(home), name: value})


def test_an_agent_s_run_is_read_from_the_environment(home: Path) -> None:
    settings = load_settings(
        {
            "HEADGATE_HOME": str(home),
            "HEADGATE_FLOW_RUN_ID": "run_1",
            "HEADGATE_LEASE_TOKEN": "t",
            "HEADGATE_LEASE_EPOCH": "3",
        }
    )

    assert settings.assignment == RunAssignment("run_1", "t", 3)


def test_what_needs_a_server_says_what_to_set(home: Path) -> None:
    settings = load_settings({"HEADGATE_HOME": str(home)})

    with pytest.raises(SettingsError, match="HEADGATE_API_URL"):
        settings.require_api_url()
    with pytest.raises(SettingsError, match="HEADGATE_WORKSPACE"):
        settings.require_workspace()
