"""Postgres and Valkey from wheels, for one-machine use; unused where URLs are given."""
