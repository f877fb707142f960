"""Runs flows and tasks: states, retries, timeouts, context."""
