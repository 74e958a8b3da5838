"""Live diagnosis: names what goes wrong while a stage trains, with its evidence and the settings that would change it."""

# The order is that in which findings of the same step are reported: causes before what follows from them.
from r1lite.diagnosis import optimiser, sampler, rules, responses, policy, groups, learners  # noqa: I001
from r1lite.diagnosis.finding import Finding, Signs, findings

__all__ = ["Finding", "Signs", "findings", "groups", "learners", "optimiser", "policy", "responses", "rules", "sampler"]
