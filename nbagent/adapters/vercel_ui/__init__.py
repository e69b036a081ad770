"""Vercel's UI message stream."""
