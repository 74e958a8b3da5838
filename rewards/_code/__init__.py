"""What the code rule is made of: the tests of a problem, the comparison of results, the sandbox of this process."""
