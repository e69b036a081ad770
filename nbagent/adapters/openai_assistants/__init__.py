"""OpenAI Assistants, and NEAR AI, which speaks the same."""
