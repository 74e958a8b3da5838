"""What a run will need before it starts: bytes of memory on a rank, and seconds of a step. Pure functions of a shape and settings."""
