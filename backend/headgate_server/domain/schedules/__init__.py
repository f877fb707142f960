"""Schedules: when a deployment runs by itself, and what follows a time when nobody looked."""
