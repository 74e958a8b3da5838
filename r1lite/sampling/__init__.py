"""Sampling: prompts, seeds and groups of rollouts, and the engines that complete prompts."""
