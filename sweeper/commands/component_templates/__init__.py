"""One commented file for each kind of component, as `sweeper init --component` writes it.

They are read as text, and import nothing here: each of them must pass `sweeper check`.
"""
