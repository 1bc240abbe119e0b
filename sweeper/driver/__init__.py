"""The driver's side: a sweep is started, heard, stopped, extended and repeated."""
