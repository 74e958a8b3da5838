"""Samplers: problems in, groups of rollouts out."""
