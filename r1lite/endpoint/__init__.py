"""Client of OpenAI-compatible endpoints, for teachers and for the rule `judge`: requests, retries, rate limit."""
