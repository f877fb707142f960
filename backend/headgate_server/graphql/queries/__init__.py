"""GraphQL queries, one module per noun."""
