"""Shared parts of the figures: palette, style, families of trials, laws and the view."""
