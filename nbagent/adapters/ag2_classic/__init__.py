"""AG2 Classic."""
