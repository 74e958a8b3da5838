"""What `r1lite COMMAND` runs, one file each, and the parts they share. Imported only by cli.py and score.py."""
