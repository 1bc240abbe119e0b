"""A storage on a bucket: its objects, its mirror on this machine, leases, and what is refused."""
