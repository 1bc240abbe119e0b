"""Start or join the services that a sweep uses: Ray, on this machine or a cluster, and MLflow."""
