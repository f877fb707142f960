"""Reads flow runs and what hangs on them."""

from headgate_server.repositories.flow_runs import read as repository

get_many_flow_runs = repository.get_many_flow_runs
get_many_payloads = repository.get_many_payloads
get_many_tags = repository.get_many_tags
get_many_attempts = repository.get_many_attempts
get_many_states = repository.get_many_states
list_states = repository.list_states
