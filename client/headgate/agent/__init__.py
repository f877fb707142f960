"""The agent: receives runs over a subscription and executes them."""
