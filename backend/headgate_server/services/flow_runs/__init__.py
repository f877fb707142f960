"""What can be done with flow runs: create, begin, move, cancel, retry, read."""
