"""Code in stores of Google and Azure, through the libraries that fsspec uses for them.

Not among the tests that ``make test`` runs: ``infra/dev/engines.sh`` installs the libraries, and an
emulator of Google's Cloud Storage. Azure's Blob Storage is played as it is documented: its own
emulator is no Python.
"""

import base64
import hashlib
import os
from collections.abc import Generator
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest

from headgate.deployments.steps import (
    pull_from_azure_blob_storage,
    pull_from_gcs,
    push_to_azure_blob_storage,
    push_to_gcs,
)
from tests.client.blocks.stand_in import Asked, stand_in
from tests.fixtures.network import free_port

pytestmark = pytest.mark.filterwarnings("ignore")

KEY = base64.b64encode(b"azure-storage-account-key").decode()


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """A folder with code, where this process works; it works where it did afterwards."""
    folder = Path.cwd()
    monkeypatch.setenv("HEADGATE_HOME", str(tmp_path / "home"))
    (tmp_path / "code" / "etl").mkdir(parents=True)
    (tmp_path / "code" / "etl" / "flows.py").write_text("here")
    (tmp_path / "code" / "README.md").write_text("read me")
    os.chdir(tmp_path / "code")
    yield
    os.chdir(folder)


def names(folder: str) -> list[str]:
    found = Path(folder).rglob("*")
    return sorted(path.relative_to(folder).as_posix() for path in found if path.is_file())


def test_code_is_put_into_google_s_storage_and_had_from_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port = free_port()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
    # What it asks of buckets of a zone it asks by gRPC, which the emulator does not speak.
    monkeypatch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    emulator = import_module("gcp_storage_emulator.server").create_server(
        "127.0.0.1", port, in_memory=True, default_bucket="flows"
    )
    emulator.start()
    try:
        pushed = push_to_gcs("flows", "team", project="acme", credentials="anon")
        found = pull_from_gcs("flows", "team", project="acme", credentials="anon")
    finally:
        emulator.stop()

    assert pushed == {"bucket": "flows", "folder": "team"}
    assert names(found["directory"]) == ["README.md", "etl/flows.py"]
    assert Path(found["directory"], "etl", "flows.py").read_text() == "here"


def blob_answer(kept: dict[str, bytes]) -> Any:
    """Answer as Azure's Blob Storage documents it: blobs, in one block or several."""
    blocks: dict[str, bytes] = {}

    def answer(asked: Asked) -> tuple[int, Any]:
        name = unquote(asked.path).removeprefix("/account/box").lstrip("/")
        wanted = {key: values[0] for key, values in parse_qs(asked.query).items()}
        if wanted.get("comp") == "list":
            return 200, _listed(kept, wanted)
        if asked.method == "PUT" and wanted.get("comp") == "block":
            blocks[wanted["blockid"]] = asked.body
            return 201, b""
        if asked.method == "PUT":
            is_list = wanted.get("comp") == "blocklist"
            kept[name] = b"".join(blocks.values()) if is_list else asked.body
            blocks.clear()
            return 201, b""
        return (200, kept[name]) if name in kept else (404, b"")

    return answer


def _listed(kept: dict[str, bytes], wanted: dict[str, str]) -> bytes:
    prefix, delimiter = wanted.get("prefix", ""), wanted.get("delimiter")
    blobs: list[str] = []
    folders: list[str] = []
    for name, content in sorted(kept.items()):
        rest = name.removeprefix(prefix)
        if not name.startswith(prefix):
            continue
        if delimiter and delimiter in rest:
            folders.append(prefix + rest.partition(delimiter)[0] + delimiter)
            continue
        digest = base64.b64encode(hashlib.md5(content).digest()).decode()  # noqa: S324 - as it does
        blobs.append(
            f"<Blob><Name>{name}</Name><Properties><Content-Length>{len(content)}</Content-Length>"
            f"<Content-MD5>{digest}</Content-MD5><BlobType>BlockBlob</BlobType></Properties></Blob>"
        )
    prefixes = "".join(
        f"<BlobPrefix><Name>{one}</Name></BlobPrefix>" for one in dict.fromkeys(folders)
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<EnumerationResults ContainerName="box"><Prefix>{prefix}</Prefix>'
        f"<Blobs>{''.join(blobs)}{prefixes}</Blobs><NextMarker/></EnumerationResults>"
    ).encode()


def test_code_is_put_into_azure_s_storage_and_had_from_there() -> None:
    kept: dict[str, bytes] = {}
    with stand_in(blob_answer(kept)) as server:
        signed = {
            "connection_string": "DefaultEndpointsProtocol=http;AccountName=account;"
            f"AccountKey={KEY};BlobEndpoint={server.url}/account;"
        }
        pushed = push_to_azure_blob_storage("box", "team", credentials=signed)
        found = pull_from_azure_blob_storage("box", "team", credentials=signed)

    assert pushed == {"container": "box", "folder": "team"}
    assert sorted(kept) == ["team/README.md", "team/etl/flows.py"]
    assert names(found["directory"]) == ["README.md", "etl/flows.py"]
    assert Path(found["directory"], "etl", "flows.py").read_text() == "here"
