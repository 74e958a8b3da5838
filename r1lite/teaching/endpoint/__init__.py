"""A teacher behind an OpenAI-compatible endpoint: the client, its rate limit, its journal."""
