"""What a run keeps on disk: its directory, checkpoints, the ledger of rollouts, metrics."""
