"""The parts of a reinforcement learning step between sampler and policy. Used by stage rl and by the checks of its settings."""
