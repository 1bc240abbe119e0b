"""Laws, equivalences and bounds from finished sweeps: tidy frames in, claims with intervals out.

Three lines from a sweep to a law::

    from analysis import load, powerlaw

    experiment = load.from_storage(Path("sweeps"), "imaginary-noise")
    print(powerlaw.fit(experiment.trials, powerlaw.Law(x="sigma")).sentence())

Importing this package does no work; each module imports what it needs.
"""
