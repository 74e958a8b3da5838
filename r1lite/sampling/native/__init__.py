"""The native sampler: continuous batching over the weights that are trained."""
