"""The decorators keep signatures: a sample of user code under the type checker's strict rules."""

import json
import subprocess
import sys

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
