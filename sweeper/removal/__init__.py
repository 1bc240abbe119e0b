"""Remove sweeps from a storage, put them into an archive, and bring them back."""
