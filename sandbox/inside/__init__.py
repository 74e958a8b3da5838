"""The code inside the jail: a fork server and the programs it starts. From outside, only `wire` and `syscalls` are imported."""
