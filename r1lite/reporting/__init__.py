"""What a run says of itself: evaluations, summary.json, model cards."""
