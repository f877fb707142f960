"""Batched reads of one operation: many objects by id in one statement, each batch in a session."""
