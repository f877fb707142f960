"""GraphQL mutations, one module per noun."""
