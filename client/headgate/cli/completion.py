"""``headgate completion``: a script that completes nouns, verbs and options in a shell."""

import sys
from typing import Annotated, Literal

from cyclopts import Parameter

from headgate.cli import parsing


def completion(shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(help="which")]) -> None:
    """Print a shell's completion script, to be sourced.

    For example: headgate completion bash > ~/.local/share/bash-completion/completions/headgate
    """
    sys.stdout.write(parsing.build().generate_completion(prog_name="headgate", shell=shell))
