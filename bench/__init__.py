"""What is measured, against what. Each module prints ratios of paired runs; single absolute times mean little."""
