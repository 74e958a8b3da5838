"""What `r1lite COMMAND` runs, a file a command, and the parts that they share. Only cli.py and score.py come in."""
