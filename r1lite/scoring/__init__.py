"""Around the rules: what they say of a rollout, the workers they run in, a rehearsal, what verdicts say of a step. Open to all."""
