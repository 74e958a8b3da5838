"""Parts of the rule `code`: the tests of a problem, the comparison of results, the sandbox of this process."""
