"""Environments that ship with r1lite. One file per environment; the file's name is the environment's name."""
