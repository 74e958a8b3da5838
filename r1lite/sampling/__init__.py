"""Rollouts: prompts, seeds and groups made once, and the engines that complete them."""
