"""Checks of a configuration before any work is done. run.py calls all of them."""
