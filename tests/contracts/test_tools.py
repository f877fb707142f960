"""The tools bite: each ban of ruff and each import contract catches a planted violation."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.repository import ROOT

DOMAIN_FILE = "backend/headgate_server/domain/planted.py"
BANNED = (
    ("TID251", "from datetime import UTC, datetime\n\nNOW = datetime.now(UTC)\n"),
    ("TID251", "import datetime\n\nNOW = datetime.datetime.utcnow()\n"),
    ("TID252", "from . import states\n"),
    ("PLC0415", "def f() -> None:\n    import json\n"),
    ("FBT001", "def f(flag: bool) -> None: ...\n"),
    ("BLE001", "try:\n    pass\nexcept Exception:\n    pass\n"),
    ("RUF006", "import asyncio\n\n\nasync def f() -> None:\n    asyncio.create_task(f())\n"),
    ("S110", "try:\n    pass\nexcept ValueError:\n    pass\nexcept Exception:\n    pass\n"),
    ("S101", "assert True\n"),
    ("S602", 'import subprocess\n\nsubprocess.run("ls", shell=True)\n'),
    ("S301", 'import pickle\n\npickle.loads(b"")\n'),
    ("S324", 'import hashlib\n\nhashlib.md5(b"")\n'),
    ("S608", 'def f(name: str) -> str:\n    return f"select * from {name}"\n'),
    ("S311", "import random\n\nX = random.random()\n"),
    ("DTZ001", "import datetime\n\nX = datetime.datetime(2026, 1, 1)\n"),
    ("T201", 'print("talk")\n'),
    ("ERA001", "# x = compute(1)\n"),
    (
        "C901",
        "def f(x: int) -> None:\n"
        + "".join(f"    if x == {n}:\n        x += 1\n" for n in range(11)),
    ),
)
# By contract: the file to add, the line it gets, and the module whose import the report must name.
PLANTED = {
    "Backend floors": ("backend/headgate_server/domain/planted_a.py", "headgate_server.services"),
    "GraphQL floors": (
        "backend/headgate_server/graphql/types/planted_b.py",
        "headgate_server.graphql.queries",
    ),
    "Client floors": ("client/headgate/api/planted_c.py", "headgate.cli"),
    "Client and backend are independent": (
        "client/headgate/cli/planted_d.py",
        "headgate_server.domain",
    ),
    "Siblings are acyclic": (
        "backend/headgate_server/embedded/planted_e.py",
        "headgate_server.embedded.planted_f",
    ),
    "The domain is pure": ("backend/headgate_server/domain/planted_g.py", "sqlalchemy"),
    "SQL lives in three floors": ("backend/headgate_server/services/planted_h.py", "sqlalchemy"),
}


@pytest.mark.parametrize(("code", "source"), BANNED)
def test_ruff_refuses(code: str, source: str) -> None:
    command = [sys.executable, "-m", "ruff", "check", "--output-format=concise", "--no-cache"]
    result = subprocess.run(
        [*command, f"--stdin-filename={DOMAIN_FILE}", "-"],
        input=f'"""Planted."""\n\n{source}',
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert f" {code} " in result.stdout


def lint_imports(root: Path) -> str:
    """Return the report on the tree at ``root``, without line ends so that it can be searched."""
    code = "import sys; sys.path[:0] = sys.argv[1:3]; from importlinter.cli import lint_imports;"
    code += "lint_imports(config_filename=sys.argv[3], no_cache=True)"
    result = subprocess.run(
        [sys.executable, "-c", code, root / "backend", root / "client", root / "pyproject.toml"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return result.stdout + result.stderr


def contracts() -> list[str]:
    settings: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return [contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]]


def test_import_contracts_are_kept() -> None:
    report = lint_imports(ROOT)

    assert f"Contracts: {len(contracts())} kept, 0 broken." in report, report


def test_each_import_contract_catches_its_planted_violation(tmp_path: Path) -> None:
    for name in ("backend/headgate_server", "client/headgate"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, imported in PLANTED.values():
        (tmp_path / name).write_text(f'"""Planted."""\n\nimport {imported} as planted\n')
    (tmp_path / "backend/headgate_server/embedded/planted_f.py").write_text(
        '"""Planted."""\n\nimport headgate_server.embedded.planted_e as planted\n'
    )

    report = lint_imports(tmp_path)

    assert sorted(PLANTED) == sorted(contracts())
    for contract, (name, _) in PLANTED.items():
        assert f"{contract} BROKEN" in report, report
        section = re.split(rf"^{re.escape(contract)}\n-+$", report, flags=re.MULTILINE)[1]
        assert Path(name).stem in re.split(r"\n\n\n", section)[0], f"{contract}: {section}"
