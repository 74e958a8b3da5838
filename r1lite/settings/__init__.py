"""What the user set: composed, checked for spelling, and compared with what a run began from."""
