"""Grids that nobody would write, by the thousand: all that the reader may raise is `UserError`."""
