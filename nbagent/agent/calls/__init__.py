"""Calls of tools: permitted, run, and reported with what they print, draw, ask and return."""
