"""GraphQL types, one module per noun."""
