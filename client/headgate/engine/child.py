"""``python -m headgate.engine.child``: reads a job as JSON on standard input and runs it."""

import os
import sys

from headgate.engine.flow_run import run_job
from headgate.specs import decode_job


def main() -> None:
    """Run the job and leave at once: threads that user code left behind must not hold the slot."""
    code = run_job(decode_job(sys.stdin.buffer.read()))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
