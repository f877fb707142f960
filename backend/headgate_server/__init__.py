"""The Headgate server: one GraphQL API, a scheduler and a dispatcher over Postgres and Redis."""
