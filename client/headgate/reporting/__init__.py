"""The durable, ordered, batched channel of states and logs from a process to the server."""
