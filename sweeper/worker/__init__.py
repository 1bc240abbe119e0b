"""The code that runs in a worker process: train, commit and evaluate one pack of trials."""
