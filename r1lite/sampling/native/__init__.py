"""The native engine: continuous batching with the weights that are being trained."""
