"""Runs taken apart: compared with each other."""
