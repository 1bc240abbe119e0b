"""Searches and stopping rules that use results to decide what a running sweep trains next."""
