"""The GraphQL API as typed calls, one module per noun."""
