"""What stands around the rules: their workers, their rehearsal, their share in a mixture, what verdicts say of a step. Open to all."""
