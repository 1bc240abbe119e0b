"""Checks of a machine's set-up for running sweeps; they change nothing."""
