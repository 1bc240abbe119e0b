"""Read a grid file, check it, and expand it into trials with ids."""
