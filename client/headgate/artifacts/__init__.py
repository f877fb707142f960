"""Artifacts: what a run leaves for people to look at, as Markdown, tables, links, images, progress.

Inside of a run they travel with its states and logs: in order, behind the back of user code, and
through an outage of the server. Elsewhere the configured key creates them at once. Secrets that the
process has read are masked in them, as in logs.

Each function serves both worlds: ``create_markdown_artifact(...)`` in a function, ``await
create_markdown_artifact(...)`` in a coroutine; the names with an ``a`` in front are coroutines.
"""

from headgate.artifacts.creating import (
    acreate_image_artifact,
    acreate_link_artifact,
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from headgate.artifacts.kinds import (
    Artifact,
    ImageArtifact,
    LinkArtifact,
    MarkdownArtifact,
    ProgressArtifact,
    TableArtifact,
)

__all__ = [
    "Artifact",
    "ImageArtifact",
    "LinkArtifact",
    "MarkdownArtifact",
    "ProgressArtifact",
    "TableArtifact",
    "acreate_image_artifact",
    "acreate_link_artifact",
    "acreate_markdown_artifact",
    "acreate_progress_artifact",
    "acreate_table_artifact",
    "aupdate_progress_artifact",
    "create_image_artifact",
    "create_link_artifact",
    "create_markdown_artifact",
    "create_progress_artifact",
    "create_table_artifact",
    "update_progress_artifact",
]
