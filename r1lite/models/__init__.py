"""Finding, loading and saving models; output heads, adapters, GGUF; cpu/ has faster layers. Knows no task and no reward."""
