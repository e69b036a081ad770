"""Machinery that the adapters share."""
