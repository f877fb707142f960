"""Profiles: what the file holds, who may read it, which one is active."""

import stat
from pathlib import Path

import pytest

from headgate import profiles
from headgate.errors import ProfileNotFoundError, SettingsError


def test_an_absent_file_holds_no_profiles(tmp_path: Path) -> None:
    assert profiles.list_profiles(tmp_path) == []
    assert profiles.find_active_profile(tmp_path) is None


def test_the_first_profile_becomes_active(tmp_path: Path) -> None:
    profiles.create_profile(tmp_path, name="one", values={"api_url": "http://a"})
    profiles.create_profile(tmp_path, name="two", values={"api_url": "http://b"})

    active = profiles.find_active_profile(tmp_path)

    assert active is not None
    assert (active.name, active.values) == ("one", {"api_url": "http://a"})


def test_the_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    home = tmp_path / "home"

    profiles.create_profile(home, name="one", values={"api_key": "secret"})

    assert stat.S_IMODE((home / profiles.FILE_NAME).stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_use_changes_the_active_profile(tmp_path: Path) -> None:
    profiles.create_profile(tmp_path, name="one", values={})
    profiles.create_profile(tmp_path, name="two", values={})

    profiles.use_profile(tmp_path, name="two")

    assert profiles.read_profiles(tmp_path).active == "two"


def test_set_merges_and_none_removes(tmp_path: Path) -> None:
    profiles.create_profile(tmp_path, name="one", values={"api_url": "http://a", "api_key": "k"})

    profiles.set_values(tmp_path, name="one", values={"api_key": None, "workspace": "a/b"})

    stored = profiles.get_profile(tmp_path, name="one")
    assert stored.values == {"api_url": "http://a", "workspace": "a/b"}


def test_delete_of_the_active_profile_leaves_none_active(tmp_path: Path) -> None:
    profiles.create_profile(tmp_path, name="one", values={})
    profiles.create_profile(tmp_path, name="two", values={})

    profiles.delete_profile(tmp_path, name="one")

    assert profiles.find_active_profile(tmp_path) is None
    assert [profile.name for profile in profiles.list_profiles(tmp_path)] == ["two"]


@pytest.mark.parametrize("text", ['a"b\\c', "ünï\ncode", "tab\tdel\x7f", "日本 💚"])
def test_any_text_survives_the_file(tmp_path: Path, text: str) -> None:
    profiles.create_profile(tmp_path, name=text, values={"api_key": text})

    assert profiles.get_profile(tmp_path, name=text).values == {"api_key": text}


def test_create_refuses_a_name_that_is_taken(tmp_path: Path) -> None:
    profiles.create_profile(tmp_path, name="one", values={"api_url": "http://a"})

    with pytest.raises(SettingsError, match="'one' exists already"):
        profiles.create_profile(tmp_path, name="one", values={})

    assert profiles.get_profile(tmp_path, name="one").values == {"api_url": "http://a"}


def test_set_refuses_an_unknown_key(tmp_path: Path) -> None:
    profiles.create_profile(tmp_path, name="one", values={})

    with pytest.raises(SettingsError, match="colour"):
        profiles.set_values(tmp_path, name="one", values={"colour": "red"})


@pytest.mark.parametrize("verb", [profiles.use_profile, profiles.delete_profile])
def test_verbs_name_a_missing_profile(tmp_path: Path, verb: object) -> None:
    assert callable(verb)
    with pytest.raises(ProfileNotFoundError, match="'gone'"):
        verb(tmp_path, name="gone")


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / profiles.FILE_NAME).write_text("active = ")

    with pytest.raises(SettingsError, match=r"profiles\.toml is not valid TOML"):
        profiles.list_profiles(tmp_path)
