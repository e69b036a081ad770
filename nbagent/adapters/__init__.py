"""Adapters, one folder per system: `decoder` turns its items into our events, `encoder` our events
into its items.
"""
