"""The native engine: continuous batching over the very weights that are trained."""
