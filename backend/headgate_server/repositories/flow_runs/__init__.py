"""SQL of flow runs: creating, locking, moving, reading."""
