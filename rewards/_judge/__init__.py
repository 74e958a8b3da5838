"""Parts of the rule `judge`: what the judge is asked, how its reply is read, where replies are kept."""
