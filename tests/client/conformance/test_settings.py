"""Settings: from the environment, files of the working folder, and profiles; which one wins."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from headgate import flow, profiles
from headgate.errors import SettingsError
from headgate.exceptions import ConfigurationError
from headgate.settings import load_settings
from headgate.variables import Variable

URL = "HEADGATE_API_URL"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of the case."""
    made = tmp_path / "project"
    made.mkdir()
    monkeypatch.chdir(made)
    return made


def test_the_environment_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URL, "http://env")

    assert load_settings().api_url == "http://env"


def test_a_file_of_its_own_sets(folder: Path) -> None:
    (folder / "headgate.toml").write_text('api_url = "http://own"\n')

    assert load_settings().api_url == "http://own"


def test_tables_are_parts_of_names(folder: Path) -> None:
    (folder / "headgate.toml").write_text('[api]\nurl = "http://own"\n[logging]\nlevel = "ERROR"\n')

    settings = load_settings()

    assert (settings.api_url, settings.log_level) == ("http://own", "ERROR")


def test_truths_are_read(folder: Path) -> None:
    (folder / "headgate.toml").write_text("log_prints = true\n")

    assert load_settings().log_prints is True


def test_numbers_are_read(folder: Path) -> None:
    (folder / "headgate.toml").write_text("request_deadline_seconds = 5\n")

    assert load_settings().request_deadline_seconds == 5.0


def test_the_project_s_file_sets(folder: Path) -> None:
    (folder / "pyproject.toml").write_text('[tool.headgate]\napi_url = "http://project"\n')

    assert load_settings().api_url == "http://project"


def test_a_project_s_file_of_others_sets_nothing(folder: Path) -> None:
    (folder / "pyproject.toml").write_text('[project]\nname = "other"\n')

    assert load_settings().is_local


def test_a_dotenv_file_sets(folder: Path) -> None:
    (folder / ".env").write_text(
        "# mine\nexport HEADGATE_API_URL='http://dotenv'\n"
        "HEADGATE_LOG_LEVEL=ERROR # loud\nOTHER=1\n"
    )

    settings = load_settings()

    assert (settings.api_url, settings.log_level) == ("http://dotenv", "ERROR")


def test_the_environment_wins_over_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URL, "http://env")
    (folder / "headgate.toml").write_text('api_url = "http://own"\n')

    assert load_settings().api_url == "http://env"


def test_a_dotenv_file_wins_over_toml(folder: Path) -> None:
    (folder / ".env").write_text("HEADGATE_API_URL=http://dotenv\n")
    (folder / "headgate.toml").write_text('api_url = "http://own"\n')

    assert load_settings().api_url == "http://dotenv"


def test_its_own_file_wins_over_the_project_s(folder: Path) -> None:
    (folder / "headgate.toml").write_text('api_url = "http://own"\n')
    (folder / "pyproject.toml").write_text('[tool.headgate]\napi_url = "http://project"\n')

    assert load_settings().api_url == "http://own"


def test_files_win_over_the_profile(folder: Path, home: Path) -> None:
    profiles.create_profile(home, name="one", values={"api_url": "http://profile"})
    (folder / "headgate.toml").write_text('api_url = "http://own"\n')

    assert load_settings().api_url == "http://own"


def test_the_active_profile_sets(home: Path) -> None:
    profiles.create_profile(home, name="one", values={"api_url": "http://profile"})

    assert load_settings().api_url == "http://profile"


def test_another_profile_may_be_chosen(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profiles.create_profile(home, name="one", values={"api_url": "http://one"})
    profiles.create_profile(home, name="two", values={"api_url": "http://two"})
    monkeypatch.setenv("HEADGATE_PROFILE", "two")

    assert load_settings().api_url == "http://two"


def test_a_file_may_choose_the_profile(folder: Path, home: Path) -> None:
    profiles.create_profile(home, name="one", values={"api_url": "http://one"})
    profiles.create_profile(home, name="two", values={"api_url": "http://two"})
    (folder / "headgate.toml").write_text('profile = "two"\n')

    assert load_settings().api_url == "http://two"


def test_a_changed_file_is_read_again(folder: Path) -> None:
    (folder / "headgate.toml").write_text('api_url = "http://before"\n')
    before = load_settings().api_url
    (folder / "headgate.toml").write_text('api_url = "http://afterwards"\n')

    assert (before, load_settings().api_url) == ("http://before", "http://afterwards")


def test_a_broken_file_of_its_own_is_an_error(folder: Path) -> None:
    (folder / "headgate.toml").write_text("api_url = \n")

    with pytest.raises(ConfigurationError, match="not valid TOML"):
        load_settings()


def test_a_broken_project_s_file_is_not_headgate_s_to_judge(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("broken = \n")

    assert load_settings().is_local


def test_the_process_of_a_run_reads_no_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADGATE_LEASE_TOKEN", "token")
    (folder / "headgate.toml").write_text('api_url = "http://own"\n')

    assert load_settings().is_local


def test_a_wrong_value_is_named(folder: Path) -> None:
    (folder / "headgate.toml").write_text('log_level = "LOUD"\n')

    with pytest.raises(ConfigurationError, match="HEADGATE_LOG_LEVEL"):
        load_settings()


def test_a_variable_without_a_server_is_its_default() -> None:
    @flow
    def parent() -> Any:
        return Variable.get("size", default=3)

    assert parent() == Variable.get("size", default=3) == 3
    assert asyncio.run(Variable.aget("size", default=3)) == 3
    with pytest.raises(SettingsError):
        Variable.get("size")
