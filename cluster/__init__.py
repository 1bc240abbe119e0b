"""Where Ray runs."""
