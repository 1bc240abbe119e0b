"""Sweeps, trials, their status and their trained models, read from the storage."""
