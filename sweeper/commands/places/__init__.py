"""The places for which `sweeper cluster` writes the files that start a sweep; one file each."""
