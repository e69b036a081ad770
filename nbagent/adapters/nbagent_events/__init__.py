"""nbagent's own events."""
