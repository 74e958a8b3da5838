"""A run on one page: what a run directory holds, gathered for a reader, as one HTML file or served while the run goes."""
