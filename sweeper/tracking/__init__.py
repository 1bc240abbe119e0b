"""Write the trials in the storage to MLflow; no other part of `sweeper` writes to MLflow."""
