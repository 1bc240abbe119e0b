"""The worker's side: one pack of trials is trained, committed and evaluated."""
