"""Blocks: configuration with secrets that a workspace keeps by type and name."""
