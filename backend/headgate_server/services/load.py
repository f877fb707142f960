"""What an installation has to do: read for its figures, never for a tenant."""

from headgate_server.repositories import load

Load = load.Load
PoolLoad = load.PoolLoad
read_load = load.read_load
