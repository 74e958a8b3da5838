"""Which language the words of a text are in."""
