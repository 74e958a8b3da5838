"""Runs code that a model wrote, apart from everything else. It knows nothing of r1lite."""
