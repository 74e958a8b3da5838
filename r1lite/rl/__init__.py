"""What a step of reinforcement learning does between sampler and policy. Stage rl comes in, and whoever checks its settings."""
