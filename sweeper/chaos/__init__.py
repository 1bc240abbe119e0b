"""`sweeper chaos`: run a small sweep with injected faults, and compare it with one without."""
