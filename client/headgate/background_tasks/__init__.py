"""Background tasks: calls that a task worker runs, wherever that is."""
