"""What is learnt from: problems in their order, worked examples, pairs, and which of them are fit for it. Open to all that trains."""
