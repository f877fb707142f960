"""Steps that put the code of a deployment into stores of files, from where its runs pull it."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from headgate.deployments.storages import aws_client, azure_settings, gcs_settings
from headgate.errors import EntrypointError
from headgate.libraries import library

_NEVER = (".git", "__pycache__", ".venv")


def push_to_s3(
    bucket: str,
    folder: str,
    credentials: dict[str, Any] | None = None,
    client_parameters: dict[str, Any] | None = None,
    ignore_file: str | None = ".prefectignore",
) -> dict[str, str]:
    """Copy this folder into a folder of a bucket of S3, and return both.

    Args:
        ignore_file: lists what is left out, a pattern a line: of a path, a name, or a folder.

    Raises:
        EntrypointError: there is nothing to copy.
    """
    client = aws_client(credentials, client_parameters)
    for path, name in _files(ignore_file):
        client.upload_file(str(path), bucket, _below(folder, name))
    return {"bucket": bucket, "folder": folder}


def push_to_gcs(
    bucket: str,
    folder: str,
    project: str | None = None,
    credentials: Any = None,
    ignore_file: str | None = ".prefectignore",
) -> dict[str, str]:
    """Copy this folder into a folder of a bucket of Google Cloud Storage, and return both."""
    _push(f"gs://{bucket}", folder, gcs_settings(project, credentials), ignore_file)
    return {"bucket": bucket, "folder": folder}


def push_to_azure_blob_storage(
    container: str,
    folder: str,
    credentials: dict[str, Any] | None = None,
    ignore_file: str | None = ".prefectignore",
) -> dict[str, str]:
    """Copy this folder into a folder of a container of Azure Blob Storage, and return both."""
    _push(f"az://{container}", folder, azure_settings(credentials), ignore_file)
    return {"container": container, "folder": folder}


def push_to_remote_storage(
    url: str, settings: dict[str, Any] | None = None, ignore_file: str | None = ".prefectignore"
) -> dict[str, str]:
    """Copy this folder below an address that fsspec reaches, as ``s3://bucket/path``; return it."""
    _push(url, "", settings or {}, ignore_file)
    return {"url": url}


def _push(url: str, folder: str, settings: dict[str, Any], ignore_file: str | None) -> None:
    fsspec: Any = library("fsspec", extra="fsspec")
    system, root = fsspec.core.url_to_fs(url, **settings)
    for path, name in _files(ignore_file):
        target = f"{str(root).rstrip('/')}/{_below(folder, name)}"
        system.makedirs(target.rpartition("/")[0], exist_ok=True)
        system.put_file(str(path), target)


def _below(folder: str, name: str) -> str:
    return f"{folder.strip('/')}/{name}" if folder.strip("/") else name


def _files(ignore_file: str | None) -> Iterator[tuple[Path, str]]:
    """Return the files of this folder that are not left out, with their names below it."""
    patterns = [*_NEVER, *_patterns(ignore_file)]
    found = 0
    for path in sorted(Path().rglob("*")):
        if path.is_file() and not _is_left_out(path, patterns):
            found += 1
            yield path, path.as_posix()
    if not found:
        message = f"There is nothing to copy in {Path.cwd()}"
        raise EntrypointError(message)


def _patterns(ignore_file: str | None) -> list[str]:
    if ignore_file is None or not Path(ignore_file).is_file():
        return []
    lines = (line.strip() for line in Path(ignore_file).read_text(encoding="utf-8").splitlines())
    return [line.strip("/") for line in lines if line and not line.startswith("#")]


def _is_left_out(path: Path, patterns: list[str]) -> bool:
    """Whether a path, a folder that it lies in, or the name of either fits a pattern."""
    places = [path, *list(path.parents)[:-1]]
    return any(
        fnmatchcase(place.as_posix(), pattern) or fnmatchcase(place.name, pattern)
        for place in places
        for pattern in patterns
    )
