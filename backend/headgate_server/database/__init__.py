"""Connection pools, the unit of work, and migrations."""
