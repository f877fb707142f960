"""Keys that logging in brought: kept apart, for their owner alone, and for their server alone."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headgate import credentials, profiles
from headgate.credentials import FILE_NAME, Credential
from headgate.errors import SettingsError
from headgate.settings import load_settings

URL = "https://headgate.test"
CREDENTIAL = Credential(URL, "hg_key_secret", "key_1", "2027-01-01T00:00:00Z")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    profiles.create_profile(tmp_path, name="work", values={"api_url": URL})
    credentials.store_credential(tmp_path, profile="work", credential=CREDENTIAL)
    return tmp_path


def key_of(home: Path, **variables: str) -> str | None:
    return load_settings({"HEADGATE_HOME": str(home), **variables}).api_key


def test_file_is_for_its_owner_alone(home: Path) -> None:
    assert stat.S_IMODE((home / FILE_NAME).stat().st_mode) == 0o600
    assert credentials.find_credential(home, profile="work") == CREDENTIAL
    assert credentials.find_credential(home, profile="other") is None
    assert "secret" not in (home / "profiles.toml").read_text()
    assert "secret" not in repr(CREDENTIAL)


def test_settings_find_the_key_of_the_profile(home: Path) -> None:
    assert key_of(home) == "hg_key_secret"
    assert key_of(home, HEADGATE_API_KEY="another") == "another"
    assert key_of(home, HEADGATE_API_URL=f"{URL}/graphql") == "hg_key_secret"


@pytest.mark.parametrize("url", ["https://evil.test", "http://headgate.test", f"{URL}.evil.test"])
def test_key_goes_to_no_other_server(home: Path, url: str) -> None:
    assert key_of(home, HEADGATE_API_URL=url) is None


def test_file_that_others_may_read_is_refused(home: Path) -> None:
    (home / FILE_NAME).chmod(0o640)

    with pytest.raises(SettingsError, match="chmod 600"):
        key_of(home)


@pytest.mark.parametrize("text", ["", "[]", '{"work": 1}', '{"work": {"other": 1}}'])
def test_broken_file_is_told(home: Path, text: str) -> None:
    (home / FILE_NAME).write_text(text)

    with pytest.raises(SettingsError, match="log in again"):
        key_of(home)


def test_forgotten_key_is_gone(home: Path) -> None:
    credentials.delete_credential(home, profile="work")
    credentials.delete_credential(home, profile="work")

    assert key_of(home) is None
    assert "secret" not in (home / FILE_NAME).read_text()


def test_many_at_once_lose_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    names = [f"p{number}" for number in range(24)]

    def keep(name: str) -> None:
        credentials.store_credential(home, profile=name, credential=Credential(URL, name))
        profiles.create_profile(home, name=name, values={"workspace": name})

    with ThreadPoolExecutor(max_workers=len(names)) as pool:
        list(pool.map(keep, names))

    assert [one.name for one in profiles.list_profiles(home)] == sorted(names)
    kept = [credentials.find_credential(home, profile=name) for name in names]
    assert [one and one.api_key for one in kept] == names
