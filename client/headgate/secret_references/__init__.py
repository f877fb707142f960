"""Secrets that lie in the customer's own store: found on the agent's side, unknown to Headgate."""
