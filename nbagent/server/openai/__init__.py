"""Requests of OpenAI's clients, read for an agent."""
