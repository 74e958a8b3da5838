"""Evaluations, summary.json and model cards."""
