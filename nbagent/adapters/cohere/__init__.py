"""Cohere's Chat API."""
