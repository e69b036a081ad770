"""The Agent Client Protocol (ACP)."""
