"""Learning from others' responses: imitation of examples, distillation, teachers behind an endpoint. Used by stages and checks."""
