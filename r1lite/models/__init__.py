"""Models: finding, loading and saving them, their passes, heads and adapters, the optimiser. Open to all; knows no task and no reward."""
