"""What a response claims to be the answer: `extract` looks in its blocks, boxes, phrases and at its end, and for what takes it back."""
