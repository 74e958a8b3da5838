"""Layers that are faster or smaller on the CPU. Each computes the same function as the layer it replaces."""
