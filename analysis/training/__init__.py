"""Whether training had gone on for long enough, of a trial and of a group of trials."""
