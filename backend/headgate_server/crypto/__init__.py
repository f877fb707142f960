"""Envelope encryption of secrets, and the providers of the keys that wrap the workspaces' keys."""
