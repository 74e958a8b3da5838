"""Samplers: problems in, groups of rollouts out. Made by setup.py; stages know the Sampler of types.py."""
