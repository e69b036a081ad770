"""Differences of two values: tables by cell, JSON by key, texts by word.

Pure, and linear in the values' size.
"""

from nbagent.run.diff.values import difference, headline

__all__ = ["difference", "headline"]
