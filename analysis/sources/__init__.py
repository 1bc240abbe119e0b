"""Where runs come from: the storage, MLflow or a table, as the same tidy frames."""
