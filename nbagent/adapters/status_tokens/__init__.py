"""Streams of status tokens."""
