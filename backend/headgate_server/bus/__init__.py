"""Wake-ups over Redis pub/sub: a hint to look, never the data."""
