"""Blocks: types, schemas, documents and their secrets, and who may use which."""
