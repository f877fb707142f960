"""GraphQL loaders, one module per noun."""
