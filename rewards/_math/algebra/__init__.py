"""Expressions as trees, and whether two of them are equal: by their form, their canonical form, or their values."""
