"""Access to a server: who may ask, and for how much."""
