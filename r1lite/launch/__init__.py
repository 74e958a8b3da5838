"""Starts the processes of a run, vLLM servers and trainer, on this machine or on a Ray cluster, and ends them together."""
