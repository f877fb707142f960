"""SQL of leases: offering, renewing, reaping."""
