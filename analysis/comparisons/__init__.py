"""Two groups of trials, or many settings, set against each other."""
