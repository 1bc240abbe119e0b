"""A small sweep that is run, disturbed on purpose, run again, and compared with a quiet one."""
