"""Where a sweep runs: Ray, here or at an address, and MLflow's server."""
