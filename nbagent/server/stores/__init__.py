"""Stores of served runs: SQLite and Redis, and what one has to do."""
