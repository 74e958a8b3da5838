"""The Python interface: what `import r1lite` offers to notebooks and scripts, and the run that every door begins."""
