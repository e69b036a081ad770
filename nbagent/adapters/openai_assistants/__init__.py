"""OpenAI Assistants, and NEAR AI, which uses the same event names."""
