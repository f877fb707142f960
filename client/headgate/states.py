"""States of runs: what a run is in, why, and what it returned."""
