"""How an agent starts a run."""
