"""OpenAI's hosted agent sessions."""
