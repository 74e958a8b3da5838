"""Benchmarks. Comparisons alternate the two sides and print ratios, because single absolute times mean little."""
