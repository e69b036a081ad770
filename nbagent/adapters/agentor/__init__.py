"""Agentor."""
