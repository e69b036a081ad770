"""Agent2Agent (A2A)."""
