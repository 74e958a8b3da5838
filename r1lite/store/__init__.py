"""The files of a run: its directory, checkpoints, the ledger of rollouts, metrics."""
