"""What is wrong with a configuration, before any work is done. run.py calls all checks."""
