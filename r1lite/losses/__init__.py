"""Losses. Pure: tensors in, tensors out, no model and no I/O; choice.py names their parts."""
