"""Training data: the order of problems, worked examples, preference pairs, and the filters on them. Used by everything that trains."""
