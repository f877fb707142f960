"""A function for each kind of artifact, for functions and for coroutines."""

from typing import Any

from headgate.api.background import answer
from headgate.api.calls import given
from headgate.artifacts.data import description_of, progress_of
from headgate.artifacts.kinds import (
    ArtifactId,
    ImageArtifact,
    LinkArtifact,
    MarkdownArtifact,
    ProgressArtifact,
    Table,
    TableArtifact,
    has_reported,
    update,
)
from headgate.engine.places import current_place
from headgate.reporting.batches import ArtifactReport


def create_link_artifact(
    link: str, link_text: str | None = None, key: str | None = None, description: str | None = None
) -> Any:
    """Create an artifact that links to an address, and return its id."""
    return LinkArtifact(link, link_text, key=key, description=description).create()


async def acreate_link_artifact(
    link: str, link_text: str | None = None, key: str | None = None, description: str | None = None
) -> str:
    """Do as ``create_link_artifact`` does, in a coroutine."""
    return await LinkArtifact(link, link_text, key=key, description=description).acreate()


def create_markdown_artifact(
    markdown: str, key: str | None = None, description: str | None = None
) -> Any:
    """Create an artifact of a text in Markdown, and return its id."""
    return MarkdownArtifact(markdown, key=key, description=description).create()


async def acreate_markdown_artifact(
    markdown: str, key: str | None = None, description: str | None = None
) -> str:
    """Do as ``create_markdown_artifact`` does, in a coroutine."""
    return await MarkdownArtifact(markdown, key=key, description=description).acreate()


def create_table_artifact(
    table: Table, key: str | None = None, description: str | None = None
) -> Any:
    """Create an artifact of a table, and return its id."""
    return TableArtifact(table, key=key, description=description).create()


async def acreate_table_artifact(
    table: Table, key: str | None = None, description: str | None = None
) -> str:
    """Do as ``create_table_artifact`` does, in a coroutine."""
    return await TableArtifact(table, key=key, description=description).acreate()


def create_image_artifact(
    image_url: str, key: str | None = None, description: str | None = None
) -> Any:
    """Create an artifact of an image's address, and return its id."""
    return ImageArtifact(image_url, key=key, description=description).create()


async def acreate_image_artifact(
    image_url: str, key: str | None = None, description: str | None = None
) -> str:
    """Do as ``create_image_artifact`` does, in a coroutine."""
    return await ImageArtifact(image_url, key=key, description=description).acreate()


def create_progress_artifact(
    progress: float, key: str | None = None, description: str | None = None
) -> Any:
    """Create an artifact that shows how far something has come, and return its id.

    Args:
        progress: from 0 to 100.
        key: see ``Artifact``.
        description: see ``Artifact``.
    """
    return ProgressArtifact(progress, key=key, description=description).create()


async def acreate_progress_artifact(
    progress: float, key: str | None = None, description: str | None = None
) -> str:
    """Do as ``create_progress_artifact`` does, in a coroutine."""
    return await ProgressArtifact(progress, key=key, description=description).acreate()


def update_progress_artifact(
    artifact_id: str, progress: float | None = None, description: str | None = None
) -> Any:
    """Change how far an artifact says that something has come, in place; return its id.

    Raises:
        ArtifactError: the progress is not from 0 to 100.
    """
    data = None if progress is None else progress_of(progress)
    input_ = given(id=str(artifact_id), data=data, description=description_of(description))
    if has_reported(ArtifactReport(input_, is_update=True)):
        return ArtifactId(artifact_id)
    return answer(update(current_place(), input_))


async def aupdate_progress_artifact(
    artifact_id: str, progress: float | None = None, description: str | None = None
) -> str:
    """Do as ``update_progress_artifact`` does, in a coroutine."""
    updating: Any = update_progress_artifact(artifact_id, progress, description)
    return str(await updating)
