"""What can be known to be wrong with the parts of a configuration; check.py asks them all."""
