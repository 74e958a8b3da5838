"""What several benchmarks share. Only `ours.py` needs r1lite's own packages: the rest runs in other trainers' environments too."""
