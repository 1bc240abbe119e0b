"""Run one sweep from start to end: schedule jobs, process the workers' events, deliver results."""
