"""Learning from another's writing: imitation of examples, distillation, teachers behind an endpoint. Stages come in, and the checks."""
