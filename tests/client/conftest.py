"""What client tests are given: a home of their own, local mode, and a server end on a socket."""

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.client.recording_server import RecordingServer
from tests.fixtures.network import free_port


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, and no server: every test starts in local mode."""
    for name in ("HEADGATE_API_URL", "HEADGATE_API_KEY", "HEADGATE_WORKSPACE", "HEADGATE_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HEADGATE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def recording_server() -> Generator[RecordingServer]:
    """A server end on a real socket."""
    server = RecordingServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(recording_server: RecordingServer, monkeypatch: pytest.MonkeyPatch) -> RecordingServer:
    """The server end, configured as the one that flows of this test report to."""
    monkeypatch.setenv("HEADGATE_API_URL", recording_server.url)
    monkeypatch.setenv("HEADGATE_API_KEY", "key")
    monkeypatch.setenv("HEADGATE_WORKSPACE", "acme/prod")
    monkeypatch.setenv("HEADGATE_REPORT_INTERVAL_SECONDS", "0.01")
    monkeypatch.setenv("HEADGATE_REQUEST_DEADLINE_SECONDS", "5")
    return recording_server


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server is configured, and nobody answers there."""
    monkeypatch.setenv("HEADGATE_API_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("HEADGATE_API_KEY", "hg_key_of_tests")
    monkeypatch.setenv("HEADGATE_WORKSPACE", "acme/main")
    monkeypatch.setenv("HEADGATE_REQUEST_DEADLINE_SECONDS", "0.2")
