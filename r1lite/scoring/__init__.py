"""From rollouts and rules to verdicts and rewards: worker processes, a dry run before training, metrics of scored groups."""
