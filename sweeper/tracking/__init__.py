"""MLflow shows what storage holds: the only part that writes to it."""
