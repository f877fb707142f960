"""Shapes that several nouns share: nodes, actors, states, filters, payloads, messages."""
