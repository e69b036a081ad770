"""Hector."""
