"""One file per system: its items to our events."""
