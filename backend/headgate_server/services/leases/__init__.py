"""What can be done with leases: claim, renew, release, reap."""
