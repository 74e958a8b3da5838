"""Settings: composed from groups and the command line, checked for spelling, compared with those a run began with."""
