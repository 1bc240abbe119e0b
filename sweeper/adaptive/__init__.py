"""What decides while a sweep runs which trials are trained, and for how long."""
