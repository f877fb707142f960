"""Blocks of files: each keeps, lists and copies them, and lets nothing out of its place."""

import asyncio
import base64
from collections.abc import Generator
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote
from uuid import uuid4
from xml.sax.saxutils import escape

import pytest

from headgate.blocks.aws import AwsCredentials, S3Bucket
from headgate.blocks.azure import AzureBlobContainer, AzureCredentials
from headgate.blocks.file_systems import LocalFileSystem, RemoteFileSystem
from headgate.blocks.gcp import GcpCredentials, GcsBucket
from headgate.blocks.stored_files import StoredFiles
from headgate.errors import BlockError, OutsideFolderError
from tests.client.blocks.stand_in import Asked, stand_in

KEY = base64.b64encode(b"azure-storage-account-key").decode()


def blob_answer(kept: dict[str, bytes]) -> Any:
    """Answer as Azure's Blob Storage documents it, to whoever signs with a shared key."""

    def answer(asked: Asked) -> tuple[int, Any]:
        if not asked.headers.get("authorization", "").startswith("SharedKey account:"):
            return 403, b""
        name = unquote(asked.path).removeprefix("/account/box/")
        wanted = parse_qs(asked.query)
        if asked.method == "PUT":
            kept[name] = asked.body
            return 201, b""
        if wanted.get("comp") == ["list"]:
            prefix = wanted.get("prefix", [""])[0]
            found = "".join(
                f"<Blob><Name>{escape(one)}</Name><Properties/></Blob>"
                for one in sorted(kept)
                if one.startswith(prefix)
            )
            listed = f"<EnumerationResults><Blobs>{found}</Blobs><NextMarker/></EnumerationResults>"
            return 200, listed.encode()
        return (200, kept[name]) if name in kept else (404, b"")

    return answer


def google_answer(kept: dict[str, bytes]) -> Any:
    """Answer as Google's Cloud Storage documents its JSON API, a page of one file at a time."""

    def answer(asked: Asked) -> tuple[int, Any]:
        if asked.path == "/token":
            return 200, {"access_token": "google", "expires_in": 600, "token_type": "Bearer"}
        if asked.headers.get("authorization") != "Bearer google":
            return 401, {}
        wanted = {name: values[0] for name, values in parse_qs(asked.query).items()}
        if asked.method == "POST":
            kept[wanted["name"]] = asked.body
            return 200, {}
        if asked.path == "/storage/v1/b/box/o":
            found = sorted(one for one in kept if one.startswith(wanted.get("prefix", "")))
            at = int(wanted.get("pageToken", "0"))
            following = {"nextPageToken": str(at + 1)} if at + 1 < len(found) else {}
            return 200, {"items": [{"name": one} for one in found[at : at + 1]], **following}
        name = unquote(asked.path).removeprefix("/storage/v1/b/box/o/")
        return (200, kept[name]) if name in kept else (404, {})

    return answer


def account(token_url: str) -> dict[str, str]:
    """Return a service account's key, made for this test."""
    rsa = import_module("cryptography.hazmat.primitives.asymmetric.rsa")
    kinds = import_module("cryptography.hazmat.primitives.serialization")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        kinds.Encoding.PEM, kinds.PrivateFormat.PKCS8, kinds.NoEncryption()
    ).decode()
    return {
        "type": "service_account",
        "client_email": "a@b",
        "private_key": pem,
        "token_uri": f"{token_url}/token",
    }


@pytest.fixture(params=["local", "file", "memory", "s3", "gcs", "azure"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[StoredFiles]:
    if request.param == "local":
        (tmp_path / "kept").mkdir()
        yield LocalFileSystem(basepath=str(tmp_path / "kept"))
    elif request.param == "file":
        yield RemoteFileSystem(basepath=f"file://{tmp_path}/kept")
    elif request.param == "memory":
        yield RemoteFileSystem(basepath=f"memory://{uuid4()}/kept")
    elif request.param == "s3":
        url, name = request.getfixturevalue("aws_url"), str(uuid4())
        credentials = AwsCredentials(endpoint_url=url, region_name="us-east-1")
        credentials.get_client("s3").create_bucket(Bucket=name)
        yield S3Bucket(bucket_name=name, credentials=credentials, bucket_folder="in/folder")
    elif request.param == "gcs":
        with stand_in(google_answer({})) as server:
            info = GcpCredentials.model_validate({"service_account_info": account(server.url)})
            yield GcsBucket(
                bucket="box", credentials=info, bucket_folder="in", endpoint_url=server.url
            )
    else:
        with stand_in(blob_answer({})) as server:
            text = (
                f"AccountName=account;AccountKey={KEY};BlobEndpoint={server.url}/account;"
                "DefaultEndpointsProtocol=http"
            )
            who = AzureCredentials.model_validate({"connection_string": text})
            yield AzureBlobContainer(container="box", credentials=who, folder="in")


def test_files_are_written_read_listed_and_copied(store: StoredFiles, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "b.txt").write_bytes(b"b")
    (source / "a b.bin").write_bytes(b"\0\xff")
    (source / "leak").symlink_to("/etc/hostname")

    assert store.write_path("one/c.txt", b"c") == "one/c.txt"
    assert store.put_directory(source, "two") == 2
    assert store.upload_from_path(source / "a b.bin") == "a b.bin"
    assert store.read_path("two/a b.bin") == b"\0\xff"
    assert store.list() == ["a b.bin", "one/c.txt", "two/a b.bin", "two/deep/b.txt"]
    assert store.list("two") == ["two/a b.bin", "two/deep/b.txt"]
    assert store.list("tw") == []
    assert store.get_directory("two", tmp_path / "got") == 2
    assert (tmp_path / "got" / "deep" / "b.txt").read_bytes() == b"b"
    assert store.download_to_path("one/c.txt", tmp_path / "c").read_bytes() == b"c"
    with pytest.raises(FileNotFoundError):
        store.read_path("two/none")


@pytest.mark.parametrize("store", ["s3", "gcs", "azure"], indirect=True)
def test_folders_that_were_made_in_a_console_are_no_files(
    store: StoredFiles, tmp_path: Path
) -> None:
    """An empty object stands for a folder: with a slash behind its name, at Azure also without."""
    for name in ("", "data/", "data/sub/", "data/hns"):
        store._write(name, b"")  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  as a console does
    for name in ("data/sub/a.csv", "data/hns/b.csv", "data/c.csv"):
        store.write_path(name, name.encode())

    assert store.list("data/sub") == ["data/sub/a.csv"]
    assert "data/" not in store.list()
    assert [
        store.get_directory(path, tmp_path / str(at)) for at, path in enumerate(("", "data"))
    ] == [
        3,
        3,
    ]
    assert (tmp_path / "1" / "hns" / "b.csv").read_bytes() == b"data/hns/b.csv"
    store.write_path("data/hns", b"a file, too")
    with pytest.raises(BlockError, match="data/hns is a file, and a folder of other files"):
        store.get_directory("data", tmp_path / "clash")


def test_no_path_leads_out(store: StoredFiles, tmp_path: Path) -> None:
    for bad in ("../out", "a/../../out", "/etc/hostname", "..\\out", "a\0b"):
        with pytest.raises(OutsideFolderError):
            store.read_path(bad)
        with pytest.raises(OutsideFolderError):
            store.write_path(bad, b"x")
        with pytest.raises(OutsideFolderError):
            store.list(bad)
    with pytest.raises(BlockError, match="path of a file"):
        store.write_path("", b"x")
    assert not (tmp_path / "out").exists()


def test_coroutines_use_the_same_verbs(store: StoredFiles) -> None:
    async def use() -> list[Any]:
        await store.write_path("a", b"1")
        await store.awrite_path("b", b"2")
        return [await store.read_path("a"), await store.aread_path("b"), await store.alist()]

    assert asyncio.run(use()) == [b"1", b"2", ["a", "b"]]


def test_links_do_not_lead_out_of_a_local_folder(tmp_path: Path) -> None:
    kept, outside = tmp_path / "kept", tmp_path / "outside"
    kept.mkdir()
    outside.mkdir()
    (outside / "secret").write_bytes(b"s")
    (kept / "folder").symlink_to(outside)
    (kept / "file").symlink_to(outside / "secret")
    (kept / "own").write_bytes(b"o")
    (kept / "same").symlink_to(kept / "own")
    store = LocalFileSystem(basepath=str(kept))

    for bad in ("folder/secret", "file"):
        with pytest.raises(OutsideFolderError):
            store.read_path(bad)
        with pytest.raises(OutsideFolderError):
            store.write_path(bad, b"x")
    assert (store.read_path("same"), store.list()) == (b"o", ["own", "same"])
    assert store.get_directory(local_path=tmp_path / "got") == 2
    assert (outside / "secret").read_bytes() == b"s"
