"""Shared by several benchmarks. Only `ours.py` needs the package r1lite: the rest also runs in other trainers' environments."""
