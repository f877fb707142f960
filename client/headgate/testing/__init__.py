"""Tools to test flows without a server."""
