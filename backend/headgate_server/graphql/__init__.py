"""The GraphQL API: types, queries, mutations, subscriptions."""
