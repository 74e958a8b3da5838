"""Everything that trains: batches, forward passes, the optimiser, the policy, the critic, the reward model."""
