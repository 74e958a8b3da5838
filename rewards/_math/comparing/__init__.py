"""Is one answer the other? `judge` compares two texts, `compare` two structures, the other modules one kind each."""
