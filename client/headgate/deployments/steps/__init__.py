"""Steps of deployments: functions that a run calls by name to have its code, or a deploy to build.

The names are Prefect's, whose ``prefect.deployments.steps`` are read as these.
"""

from typing import Any, cast
from urllib.parse import unquote, urlsplit

from headgate.deployments.checkouts import Source, check_out, shown
from headgate.deployments.images import build_docker_image, push_docker_image
from headgate.deployments.pushes import (
    push_to_azure_blob_storage,
    push_to_gcs,
    push_to_remote_storage,
    push_to_s3,
)
from headgate.deployments.scripts import pip_install_requirements, run_shell_script
from headgate.deployments.storages import (
    pull_from_azure_blob_storage,
    pull_from_gcs,
    pull_from_remote_storage,
    pull_from_s3,
    pull_with_block,
)
from headgate.deployments.working_folder import set_working_directory
from headgate.engine import pulled_code
from headgate.errors import EntrypointError

__all__ = [
    "build_docker_image",
    "git_clone",
    "pip_install_requirements",
    "pull_from_azure_blob_storage",
    "pull_from_gcs",
    "pull_from_remote_storage",
    "pull_from_s3",
    "pull_with_block",
    "push_docker_image",
    "push_to_azure_blob_storage",
    "push_to_gcs",
    "push_to_remote_storage",
    "push_to_s3",
    "run_shell_script",
    "set_working_directory",
]


def git_clone(
    repository: str,
    branch: str | None = None,
    commit_sha: str | None = None,
    include_submodules: bool = False,  # noqa: FBT001, FBT002 - the shape that Prefect's users know
    access_token: str | None = None,
    credentials: Any = None,
    directories: list[str] | None = None,
) -> dict[str, str]:
    """Work in a commit of a repository.

    The folder is shared by the runs of that commit on this machine: write elsewhere.

    Args:
        repository: its address; a secret in it is not kept.
        branch: a branch or tag; the repository's own if not said.
        access_token: signs in over HTTPS, as ``{{ blocks.secret.git-token }}``.
        credentials: a block's data with ``token`` or ``password``, and maybe ``username``.
        directories: the only folders to check out.

    Raises:
        EntrypointError: both a branch and a commit are named, or git fails.
    """
    if branch and commit_sha:
        message = "Name a branch or a commit_sha, not both"
        raise EntrypointError(message)
    url, user, secret = _address(repository)
    given = _values(credentials)
    token = access_token or given.get("token") or given.get("password") or secret
    source = Source(
        url=url,
        reference=commit_sha or branch,
        user=given.get("username") or user,
        token=token,
        ssh_key=given.get("ssh_key"),
        has_submodules=include_submodules,
        directories=tuple(directories or ()),
    )
    folder = check_out(source)
    pulled_code.note(shown(url), folder.name)
    return set_working_directory(str(folder))


def _address(url: str) -> tuple[str, str | None, str | None]:
    """Return an address without who signs in, and who that is."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or "@" not in parts.netloc:
        return url, None, None
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    return (bare, user, password) if password else (bare, None, user)


def _values(credentials: Any) -> dict[str, str]:
    """Return what a block of credentials holds, its secrets in the clear."""
    if credentials is None:
        return {}
    is_mapping = isinstance(credentials, dict)
    entries = cast("dict[str, Any]", credentials if is_mapping else vars(credentials))
    return {
        name: value.get_secret_value() if hasattr(value, "get_secret_value") else value
        for name, value in entries.items()
        if value
    }
