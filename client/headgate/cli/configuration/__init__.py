"""A workspace's configuration as files: what they say, what the server has, and the way there."""
