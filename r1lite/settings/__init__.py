"""Settings: composed from groups and the command line, checked for spelling, compared with those that a run was started with."""
