"""``python -m headgate.engine.child [SECRETS [ORDERS [FENCE]]]``: runs a job, JSON on its input.

SECRETS is a descriptor on which the process tells what is to be masked, ORDERS one on which it
hears its agent, FENCE one from which it learns until when it may live.
"""

import sys

from headgate.engine import lifeline
from headgate.engine.effects import leave


def main() -> None:
    """Run the job and leave at once: threads that user code left behind must not hold the slot."""
    secrets, orders, fence = [*map(int, sys.argv[1:]), None, None, None][:3]
    document = sys.stdin.buffer.read()
    leave(lifeline.run(document, secrets=secrets, orders=orders, fence=fence))


if __name__ == "__main__":
    main()
