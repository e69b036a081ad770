"""OpenAI Chat Completions, and the many services that copy it."""
