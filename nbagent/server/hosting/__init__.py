"""Served runs: begun, followed, stopped and counted, in the sessions of their agents."""
