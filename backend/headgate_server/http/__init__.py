"""Sockets: the GraphQL endpoint, health, authentication."""
