"""``python -m headgate.engine.child [FENCE]``: reads a job as JSON on standard input and runs it.

FENCE is a descriptor from which the process learns until when it may live.
"""

import sys

from headgate.engine import lifeline
from headgate.engine.effects import leave


def main() -> None:
    """Run the job and leave at once: threads that user code left behind must not hold the slot."""
    fence = int(sys.argv[1]) if len(sys.argv) > 1 else None
    leave(lifeline.run(sys.stdin.buffer.read(), fence=fence))


if __name__ == "__main__":
    main()
