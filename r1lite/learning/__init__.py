"""Training: batches, forward passes, gradient accumulation, the optimiser, the policy, the critic and the reward model."""
