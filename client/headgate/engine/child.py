"""``python -m headgate.engine.child [SECRETS [FENCE]]``: runs a job, as JSON on standard input.

SECRETS is a descriptor on which the process tells what is to be masked, FENCE one from which it
learns until when it may live.
"""

import sys

from headgate.engine import lifeline
from headgate.engine.effects import leave


def main() -> None:
    """Run the job and leave at once: threads that user code left behind must not hold the slot."""
    secrets, fence = [*map(int, sys.argv[1:]), None, None][:2]
    leave(lifeline.run(sys.stdin.buffer.read(), secrets=secrets, fence=fence))


if __name__ == "__main__":
    main()
