"""Blocks: the rows of types and schemas, of documents, and of secrets."""
