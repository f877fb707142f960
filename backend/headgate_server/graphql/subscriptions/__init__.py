"""GraphQL subscriptions, one module per noun."""
