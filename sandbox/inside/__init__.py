"""What runs inside the jail: a fork server and the programs it starts. Imported by nothing outside."""
