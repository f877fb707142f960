"""The decorators keep signatures: a sample of user code under the type checker's strict rules."""

import json
import subprocess
import sys
from pathlib import Path

from tests.fixtures.repository import ROOT


def test_user_code_is_read_right_by_the_type_checker() -> None:
    # The sample asks that ignores which are not needed be errors: what must be refused, is.
    command = [sys.executable, "-m", "pyright", "--outputjson", "tests/client/user_code.py"]

    result = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=110, cwd=ROOT
    )

    found = json.loads(result.stdout)
    assert [entry["message"] for entry in found["generalDiagnostics"]] == []
    assert found["summary"]["filesAnalyzed"] == 1


def test_user_code_is_read_right_by_mypy(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--warn-unused-ignores"]
    options = ["--cache-dir", str(tmp_path), "tests/client/mypy_user_code.py"]

    result = subprocess.run(
        [*command, *options], capture_output=True, text=True, check=False, timeout=110, cwd=ROOT
    )

    assert result.stdout == "Success: no issues found in 1 source file\n"
