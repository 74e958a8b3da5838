"""Proves a GPU in one command: `python -m bench.gpu`. Each part runs in its own process, with a time limit."""
