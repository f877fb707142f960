"""``python -m headgate.engine.child``: reads a job as JSON on standard input and runs it."""

import sys

from headgate.engine import lifeline
from headgate.engine.effects import leave


def main() -> None:
    """Run the job and leave at once: threads that user code left behind must not hold the slot."""
    code = lifeline.run(sys.stdin.buffer.read())
    leave(code)


if __name__ == "__main__":
    main()
