"""``headgate init``: a project file for the flows of a folder."""

import json
import subprocess
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from headgate.cli.entrypoints import flow_names
from headgate.cli.failures import CommandError, ExitCode
from headgate.cli.output import say
from headgate.deployments.checkouts import shown
from headgate.deployments.project_file import FILE_NAME, OTHER_FILE_NAME

Recipe = Literal["local", "git", "docker"]
_SKIPPED = frozenset({".git", ".venv", "venv", "node_modules", "__pycache__", "site-packages"})
MAX_FILES = 2000


def init(
    *,
    name: Annotated[str, Parameter(help="what to call the deployments")] = "production",
    pool: Annotated[str, Parameter(help="whose agents run them")] = "default",
    recipe: Annotated[
        Recipe | None,
        Parameter(help="where runs have the code from; git where the folder is in a repository"),
    ] = None,
    image: Annotated[str | None, Parameter(help="docker: the image's name")] = None,
    force: Annotated[bool, Parameter(help="replace the file that is there")] = False,
) -> None:
    """Write headgate.yaml with a deployment of each flow in this folder.

    Imports nothing: flows are found by their decorator. A prefect.yaml needs no other file.
    """
    path = Path(FILE_NAME)
    if path.exists() and not force:
        hint = "Say --force to replace it."
        raise CommandError(f"{path} is there", code=ExitCode.CONFLICT, hints=[hint])
    if Path(OTHER_FILE_NAME).exists():
        say(f"There is a {OTHER_FILE_NAME}: `headgate deploy` reads it where no {FILE_NAME} is.")
    remote, branch = _git("remote", "get-url", "origin"), _git("branch", "--show-current")
    chosen = recipe or ("git" if remote else "local")
    flows = flows_below(Path())
    steps = _steps(chosen, remote=remote, branch=branch, image=image)
    path.write_text(steps + _deployments(flows, name=name, pool=pool, recipe=chosen))
    say(f"Wrote {path} with {len(flows)} deployments; `headgate deploy --all --plan` checks it.")


def flows_below(folder: Path) -> list[str]:
    """Return the entrypoints of the flows below a folder."""
    files = (
        path
        for path in sorted(folder.rglob("*.py"))
        if not _SKIPPED & set(path.parts) and not path.name.startswith("test_")
    )
    return [
        f"{path.as_posix()}:{flow}"
        for _, path in zip(range(MAX_FILES), files, strict=False)
        for flow in flow_names(path)
    ]


def _steps(recipe: Recipe, *, remote: str, branch: str, image: str | None) -> str:
    if recipe == "local":
        return "# Agents import the flows from this folder.\n"
    if recipe == "git":
        if not remote:
            message = "The recipe git needs a repository with a remote named origin"
            raise CommandError(message, code=ExitCode.USAGE)
        lines = [
            "# Agents have the code from the repository.",
            "pull:",
            "  - headgate.deployments.steps.git_clone:",
            f"      repository: {json.dumps(shown(remote))}",
        ]
        if branch:
            lines.append(f"      branch: {json.dumps(branch)}")
        lines.append("      # access_token: '{{ blocks.secret.git-token }}'")
        return "\n".join(lines) + "\n"
    if not image:
        message = "The recipe docker needs --image, as registry/team/flows"
        raise CommandError(message, code=ExitCode.USAGE)
    return f"""\
# The code is in an image, which is built and pushed by each deploy.
build:
  - headgate.deployments.steps.build_docker_image:
      id: build-image
      image_name: {json.dumps(image)}
      dockerfile: auto
push:
  - headgate.deployments.steps.push_docker_image:
      image_name: "{{{{ build-image.image_name }}}}"
      tag: "{{{{ build-image.tag }}}}"
pull:
  - headgate.deployments.steps.set_working_directory:
      directory: /opt/headgate/code
"""


def _deployments(flows: list[str], *, name: str, pool: str, recipe: Recipe) -> str:
    if not flows:
        return "\ndeployments: []\n"
    lines = ["", "deployments:"]
    for entrypoint in flows:
        lines += [
            f"  - name: {json.dumps(name)}",
            f"    entrypoint: {json.dumps(entrypoint)}",
            "    work_pool:",
            f"      name: {json.dumps(pool)}",
        ]
        if recipe == "docker":
            lines.append('      job_variables: {image: "{{ build-image.image }}"}')
        lines += ["    # schedule: {cron: '0 6 * * *', timezone: Europe/Berlin}", ""]
    return "\n".join(lines).rstrip() + "\n"


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603  git, with arguments of its own
            ["git", *arguments],  # noqa: S607  the user's own git
            capture_output=True,
            text=True,
            check=False,
            timeout=5,
            stdin=subprocess.DEVNULL,
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
