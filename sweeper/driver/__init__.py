"""Run one sweep from start to end: hand out jobs, hear the workers, show and deliver results."""
