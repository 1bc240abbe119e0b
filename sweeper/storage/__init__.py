"""The storage folder: everything about sweeps and trials that must not be lost."""
