"""Load runs from the storage, from MLflow or from a table into the same tidy frames."""
