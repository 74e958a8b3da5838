"""Sampling with vLLM, in this process or on servers, and how weights are sent there."""
