"""A look at a run before its first step: what the model makes of the prompts, what rules make of that, and what a step will take."""
