"""What a grid would train, with estimates of time and memory, and the names it may use."""
