"""What importing Headgate costs, and what it leaves for later."""

import subprocess
import sys

import pytest

HEAVY = {"gql", "graphql", "aiohttp", "websockets", "pydantic", "rich", "yaml", "cloudpickle"}

IMPORTS = (
    "import headgate",
    "from headgate import flow, task, get_run_logger, unmapped, allow_failure, tags, State, Future",
)


def _modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(result.stdout.split())


@pytest.mark.parametrize("statement", IMPORTS)
def test_an_import_leaves_the_heavy_libraries_alone(statement: str) -> None:
    assert _modules_after(statement) & HEAVY == set()


def test_import_headgate_loads_nothing_but_its_version() -> None:
    code = "import headgate, sys; print(*[n for n in sys.modules if n.startswith('headgate.')])"

    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert result.stdout.split() == ["headgate.version"]


def test_every_public_name_can_be_imported() -> None:
    code = "import headgate\nfor name in headgate.__all__: getattr(headgate, name)"

    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_loggers_have_prefect_s_place() -> None:
    code = "from headgate.logging import get_run_logger, get_logger"

    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
