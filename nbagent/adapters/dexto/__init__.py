"""Dexto."""
