"""What is known of sweeps and trials, asked of the storage."""
