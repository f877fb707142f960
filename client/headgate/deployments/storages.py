"""Steps that bring code from stores of files."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from headgate.clock import now_us
from headgate.deployments import code_folders
from headgate.deployments.working_folder import set_working_directory
from headgate.engine.effects import run_coroutine
from headgate.errors import EntrypointError
from headgate.home_locks import locked
from headgate.libraries import library
from headgate.settings import home_folder

FOLDER = "pulled"
KEPT_SECONDS = 7 * 86_400.0
"""So long a folder stays of which nothing tells whether a process works in it."""
_MARK = ".held"


def pull_from_remote_storage(
    url: str, settings: dict[str, Any] | None = None, **more: Any
) -> dict[str, str]:
    """Work in a copy of the files below an address that fsspec reaches, as ``s3://bucket/path``.

    Args:
        settings: what the file system is given, as keys and endpoints.

    Raises:
        EntrypointError: nothing is there.
    """
    fsspec: Any = library("fsspec", extra="fsspec")
    system, root = fsspec.core.url_to_fs(url, **{**(settings or {}), **more})
    root = str(root).rstrip("/")
    target = _made()
    count = 0
    for path in cast("list[str]", system.find(root)):
        name = path.removeprefix(root).lstrip("/")
        if not name or ".." in Path(name).parts:
            continue
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        system.get_file(path, str(target / name))
        count += 1
    return _entered(target, count, place=url)


def pull_from_s3(
    bucket: str,
    folder: str,
    credentials: dict[str, Any] | None = None,
    client_parameters: dict[str, Any] | None = None,
) -> dict[str, str]:
    """Work in a copy of a folder of a bucket of S3."""
    client = aws_client(credentials, client_parameters)
    prefix = f"{folder.strip('/')}/" if folder.strip("/") else ""
    target = _made()
    count = 0
    pages: Any = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        for entry in page.get("Contents", []):
            name = str(entry["Key"]).removeprefix(prefix)
            if not name or name.endswith("/") or ".." in Path(name).parts:
                continue
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            client.download_file(bucket, entry["Key"], str(target / name))
            count += 1
    return _entered(target, count, place=f"s3://{bucket}/{prefix}")


def pull_from_gcs(
    bucket: str, folder: str, project: str | None = None, credentials: Any = None
) -> dict[str, str]:
    """Work in a copy of a folder of a bucket of Google Cloud Storage."""
    return pull_from_remote_storage(f"gs://{bucket}/{folder}", gcs_settings(project, credentials))


def pull_from_azure_blob_storage(
    container: str, folder: str, credentials: dict[str, Any] | None = None
) -> dict[str, str]:
    """Work in a copy of a folder of a container of Azure Blob Storage."""
    return pull_from_remote_storage(f"az://{container}/{folder}", azure_settings(credentials))


def aws_client(credentials: dict[str, Any] | None, client_parameters: dict[str, Any] | None) -> Any:
    """Return a client of S3 with the credentials of a block, or with those of this machine."""
    given = credentials or {}
    boto3: Any = library("boto3", extra="aws")
    session: Any = boto3.Session(
        aws_access_key_id=given.get("aws_access_key_id"),
        aws_secret_access_key=given.get("aws_secret_access_key"),
        aws_session_token=given.get("aws_session_token"),
        region_name=given.get("region_name"),
    )
    return session.client("s3", **(client_parameters or {}))


def gcs_settings(project: str | None, credentials: Any) -> dict[str, Any]:
    """Return what fsspec is given for Google Cloud Storage.

    Args:
        credentials: a block's data, a key of a service account, the path of one, or ``anon``.
    """
    library("gcsfs", extra="gcs")
    settings: dict[str, Any] = {"project": project} if project else {}
    if isinstance(credentials, Mapping):
        entries = cast("Mapping[str, Any]", credentials)
        settings["token"] = entries.get("service_account_info", dict(entries))
    elif credentials:
        settings["token"] = credentials
    return settings


def azure_settings(credentials: dict[str, Any] | None) -> dict[str, Any]:
    """Return what fsspec is given for Azure Blob Storage."""
    library("adlfs", extra="adls")
    given = credentials or {}
    names = ("connection_string", "account_name", "account_url", "sas_token", "account_key")
    return {name: given[name] for name in names if name in given}


def pull_with_block(block_document_name: str, block_type_slug: str) -> dict[str, str]:
    """Work in a copy of the files that a block keeps."""
    import headgate.blocks.core as core  # noqa: PLC0415 - named lazy-import place: pydantic

    block: Any = core.Block.load(f"{block_type_slug}/{block_document_name}")
    target = _made()
    got = block.get_directory(local_path=target)
    count = run_coroutine(got) if hasattr(got, "__await__") else got
    return _entered(target, int(count or 1), place=f"{block_type_slug}/{block_document_name}")


def _made() -> Path:
    """Make a folder for this process's code, and remove those of processes that have ended.

    A run's process ends without a chance to clean up. Those that begin at once wait for each other.
    """
    place = home_folder(os.environ) / FOLDER
    with locked(place):
        for path in place.iterdir():
            # Where there are no locks, another process may be at it as well.
            with contextlib.suppress(FileNotFoundError):
                _remove_left(path)
        made = Path(tempfile.mkdtemp(dir=place))
        code_folders.hold(made.with_suffix(_MARK))
    return made


def _remove_left(folder: Path) -> None:
    mark = folder.with_suffix(_MARK)
    if not folder.is_dir():
        return
    if mark.exists():
        code_folders.remove(folder, mark=mark)
    elif folder.stat().st_mtime < now_us() / 1_000_000 - KEPT_SECONDS:
        shutil.rmtree(folder, ignore_errors=True)


def _entered(target: Path, count: int, *, place: str) -> dict[str, str]:
    if count == 0:
        message = f"There are no files below {place}"
        raise EntrypointError(message)
    return set_working_directory(str(target))
