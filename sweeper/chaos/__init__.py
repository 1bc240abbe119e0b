"""`sweeper chaos`: run a small sweep with injected faults, and compare it with one without."""

__all__ = ["OWN"]

OWN = "own"  # in place of a cluster's address: a Ray of several nodes that is started for it
