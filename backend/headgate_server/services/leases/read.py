"""Reads who holds which run."""

from headgate_server.repositories.leases import read as repository

get_many_items = repository.get_many_items
